import type { ReactNode } from "react";
import type { ProbeFactsFragment, WorkloadFactsFragment } from "../api/generated";
import { count } from "../words";
import { budgetWords, controllerName, placeWords, probeAsks, probeTimes, replicaWords, spreadWords } from "../workloads";
import { Place } from "./Lists";

type ContainerFacts = WorkloadFactsFragment["containers"][number];

/** How long pods have to end where nothing else is said, in seconds. */
const defaultGrace = 30;

const roleWords = { MAIN: null, INIT: "runs before the others", SIDECAR: "sidecar" } as const;

/** What is known of a workload: how much of it runs where, what scales and protects it, what reaches it, and its containers. */
export function WorkloadFacts({ workload, opened }: { workload: WorkloadFactsFragment; opened: boolean }) {
  const facts = factsOf(workload);
  return (
    <>
      <dl className="workload-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Reached workload={workload} />
      <details className="containers" open={opened}>
        <summary>
          {count(workload.containers.length, "container")} <span className="quiet">with ports and probes</span>
        </summary>
        {workload.containers.map((container) => (
          <Container key={container.name} container={container} workload={workload} />
        ))}
      </details>
    </>
  );
}

function factsOf(workload: WorkloadFactsFragment): [string, ReactNode][] {
  const facts: [string, ReactNode][] = [];
  if (workload.version) facts.push(["Version", workload.version]);
  const place = placeWords(workload.replicas);
  facts.push([
    "Replicas",
    <>
      {replicaWords(workload.replicas) ?? (workload.autoscalers.length > 0 ? "as the autoscaler says" : <span className="quiet">not known</span>)}
      {place && <span className="quiet"> {place}</span>}
    </>,
  ]);
  if (workload.autoscalers.length > 0) {
    facts.push(["Autoscaler", workload.autoscalers.map(({ min, max }) => `${min} to ${max} replicas`).join("; ")]);
  }
  facts.push(["Disruption budget", workload.budgets.length > 0 ? workload.budgets.map(budgetWords).join("; ") : <span className="quiet">none</span>]);
  if (workload.spread.length > 0) {
    facts.push(["Spread", <ul key="s" className="plain-list">{workload.spread.map((spread, i) => <li key={i}>{spreadWords(spread)}</li>)}</ul>]);
  }
  const peculiar = [
    workload.recreate && "an update stops all replicas first",
    workload.hostNetwork && "shares the network of its nodes",
    workload.gracePeriodSeconds !== null && workload.gracePeriodSeconds !== defaultGrace && `has ${workload.gracePeriodSeconds} s to end`,
  ].filter((word) => word !== false);
  if (peculiar.length > 0) facts.push(["Also", peculiar.join("; ")]);
  return facts;
}

/** The Services and routes that lead to it. */
function Reached({ workload }: { workload: WorkloadFactsFragment }) {
  const { services, routes } = workload;
  return (
    <>
      <h3>Reached by</h3>
      {services.length + routes.length === 0 && <p className="quiet">No Service or route, as far as is known.</p>}
      <ul className="plain-list reached">
        {services.map((service) => (
          <li key={`${service.namespace}/${service.name}`}>
            Service <strong>{service.name}</strong>
            {service.namespace !== workload.namespace && <span className="quiet"> in {service.namespace}</span>}{" "}
            {service.ports.length > 0 && (
              <code>{service.ports.map(({ port, target }) => (target && target !== String(port) ? `${port} → ${target}` : port)).join(", ")}</code>
            )}{" "}
            <span className="quiet">
              {service.headless ? "headless" : service.type}
              {service.readyEndpoints !== null && `, ${count(service.readyEndpoints, "ready endpoint")}`}
            </span>{" "}
            <Place at={service} />
          </li>
        ))}
        {routes.map((route) => (
          <li key={`${route.kind}/${route.namespace}/${route.name}`}>
            {route.kind} <strong>{(route.hosts.length > 0 ? route.hosts : ["any host"]).join(", ")}</strong>{" "}
            {route.paths.length > 0 && <code>{route.paths.join(" ")}</code>}{" "}
            <span className="quiet">
              by {route.namespace}/{route.name}
            </span>{" "}
            <Place at={route} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Container({ container, workload }: { container: ContainerFacts; workload: WorkloadFactsFragment }) {
  const role = roleWords[container.role];
  const probed = workload.probed.filter((result) => result.container === container.name);
  const logs = workload.logs.filter((sample) => sample.container === container.name);
  return (
    <div className="container">
      <p className="container-head">
        <strong>{container.name}</strong> {role && <span className="tag">{role}</span>} {container.image && <code className="quiet">{container.image}</code>}
      </p>
      {container.ports.length > 0 && (
        <p>
          <span className="quiet">Ports</span>{" "}
          <code>{container.ports.map(({ name, number, protocol }) => `${name ? `${name} ` : ""}${number}${protocol && protocol !== "TCP" ? ` ${protocol}` : ""}`).join(", ")}</code>
        </p>
      )}
      {container.role !== "INIT" && (
        <ul className="probes">
          <ProbeRow name="Readiness" means="may it get requests?" probe={container.readiness} />
          <ProbeRow name="Liveness" means="must it be restarted?" probe={container.liveness} />
          <ProbeRow name="Startup" means="has it started?" probe={container.startup} />
        </ul>
      )}
      {probed.map((result) => (
        <p key={result.endpoint + result.purpose}>
          <span className={`badge outcome-${result.healthy ? "pass" : "fail"}`}>{result.healthy ? "Answers" : "Does not answer well"}</span>{" "}
          <code>{result.endpoint}</code>{" "}
          <span className="quiet">
            {[
              result.status !== null && `status ${result.status}`,
              result.latencyUnderMillis !== null && `under ${result.latencyUnderMillis} ms`,
              ...result.failures,
            ]
              .filter((word) => word !== false)
              .join(", ")}
          </span>
        </p>
      ))}
      {logs.map((sample, i) => (
        <p key={i}>
          <span className="quiet">Logs</span>{" "}
          {sample.unreadable !== null
            ? `could not be read: ${sample.unreadable}`
            : sample.missing.length === 0
              ? `have the form ${sample.format ?? "that is asked for"}`
              : `lack ${sample.missing.join(", ")}`}
        </p>
      ))}
    </div>
  );
}

function ProbeRow({ name, means, probe }: { name: string; means: string; probe: ProbeFactsFragment | null }) {
  return (
    <li>
      <span className="probe-name" title={means}>
        {name}
      </span>
      {probe === null ? (
        <span className="quiet">none</span>
      ) : (
        <span>
          <code>{probeAsks(probe)}</code> <span className="quiet">{probeTimes(probe)}</span>
          {probe.calls.length > 0 && <span className="tag tag-loud">calls {probe.calls.join(", ")}</span>}
        </span>
      )}
    </li>
  );
}

/** Where a workload is: `Deployment in namespace shop of cluster prod-eu`. */
export function Whereabouts({ workload }: { workload: WorkloadFactsFragment }) {
  return (
    <p className="quiet">
      {controllerName(workload.kind)} {workload.name} in namespace {workload.namespace} of cluster {workload.cluster}
      {workload.environment && <> · {workload.environment}</>}
    </p>
  );
}
