import { useId } from "react";
import { useSearchParams } from "wouter";
import { AnswerError } from "../api/client";
import { Health, HealthTotals, type HealthQuery, type HealthTotalsQuery } from "../api/generated";
import { useAnswer, usePages } from "../api/hooks";
import { OutcomeBadge, SeverityBadge, TierBadge } from "../components/Badges";
import { EntityLink } from "../components/EntityLink";
import { Chip, Other, OwnerField, Select, Tiers } from "../components/Filters";
import { ServiceFindings } from "../components/Findings";
import { Owner, ProblemList } from "../components/Lists";
import { Page } from "../components/Page";
import { Candidates, Empty, Failure, Loading, More } from "../components/States";
import {
  environmentsOf, filterOf, healthState, outcomes, outcomeWords, scopeOf, tally, toggled, withValue, type HealthState,
} from "../health";
import { shortRef } from "../refs";
import { count } from "../words";

type Row = HealthQuery["health"]["nodes"][number];
type Totals = HealthTotalsQuery["health"];
type Set = (key: string, value: string) => void;

const counted = { FAIL: "fail", UNKNOWN: "unknown", PASS: "pass", NOT_APPLICABLE: "notApplicable" } as const;

/** Whether what runs can be checked for health and stays up: by service, by check and by team. */
export function HealthPage() {
  const [params, setParams] = useSearchParams();
  const state = healthState(params);
  const totals = useAnswer(
    HealthTotals,
    { filter: scopeOf(state), environment: state.environment || null },
    { keepPrevious: true },
  );
  const set: Set = (key, value) => setParams((before) => withValue(before, key, value));
  return (
    <Page title="Health">
      <p>
        Whether what runs can be checked for health and stays up, by what its cluster, or its manifests, say of it.
      </p>
      <OutcomeTiles state={state} totals={totals.data?.health} set={set} />
      <Filters state={state} totals={totals.data} set={set} />
      {totals.data && totals.data.health.problems.length > 0 && <ProblemList problems={totals.data.health.problems} />}
      <div className="columns health-columns">
        <section aria-label="Services">
          <Services
            state={state}
            toggle={(ref) => setParams((before) => toggled(before, ref), { replace: true })}
            reset={() => setParams(new URLSearchParams())}
          />
        </section>
        <aside aria-label="Checks and teams">
          {totals.data ? <Sums state={state} totals={totals.data.health} set={set} /> : !totals.isError && <Loading what="Counting" />}
        </aside>
      </div>
    </Page>
  );
}

/** The numbers of services by outcome; each narrows the list to its own. */
function OutcomeTiles({ state, totals, set }: { state: HealthState; totals: Totals | undefined; set: Set }) {
  return (
    <div className="outcomes" role="group" aria-label="Services by outcome">
      {outcomes.map((outcome) => (
        <button
          key={outcome}
          type="button"
          className={`outcome-tile outcome-${outcome.toLowerCase()}`}
          aria-pressed={state.outcome === outcome}
          title={`${outcomeWords[outcome].label}: ${outcomeWords[outcome].meaning}`}
          onClick={() => set("outcome", state.outcome === outcome ? "" : outcome)}
        >
          <span className="outcome-number">{totals?.totals.services[counted[outcome]].toLocaleString("en") ?? "–"}</span>
          <span>{outcomeWords[outcome].label}</span>
        </button>
      ))}
    </div>
  );
}

function Filters({ state, totals, set }: { state: HealthState; totals: HealthTotalsQuery | undefined; set: Set }) {
  const checks = totals?.health.definitions ?? [];
  return (
    <form className="filters" aria-label="Narrow the list" onSubmit={(event) => event.preventDefault()}>
      {state.of !== "" && (
        <div className="field">
          <span className="field-label" aria-hidden="true">
            Only
          </span>
          <Chip label="Only" value={state.of} remove={() => set("of", "")} />
        </div>
      )}
      <Select label="Check" value={state.check} onChange={(value) => set("check", value)}>
        <option value="">Any check</option>
        {checks.map(({ id, title }) => (
          <option key={id} value={id}>
            {title}
          </option>
        ))}
        <Other value={state.check} known={checks.map(({ id }) => id)} />
      </Select>
      <Select label="Severity" value={state.severity} onChange={(value) => set("severity", value)}>
        <option value="">Any severity</option>
        <option value="ERROR">Errors</option>
        <option value="WARNING">Warnings</option>
      </Select>
      <OwnerField value={state.owner} onChange={(value) => set("owner", value)} />
      <Select label="Tier" value={state.tier} onChange={(value) => set("tier", value)}>
        <Tiers />
      </Select>
      <Select label="Environment" value={state.environment || "production"} onChange={(value) => set("env", value === "production" ? "" : value)}>
        {environmentsOf(totals?.sources.nodes ?? [], state.environment).map((environment) => (
          <option key={environment} value={environment}>
            {environment}
          </option>
        ))}
      </Select>
      <Select label="Order" value={state.order} onChange={(value) => set("order", value === "OUTCOME" ? "" : value)}>
        <option value="OUTCOME">The worst first</option>
        <option value="TIER">The most critical first</option>
        <option value="REF">Kind and name</option>
      </Select>
    </form>
  );
}

function Services({ state, toggle, reset }: { state: HealthState; toggle: (ref: string) => void; reset: () => void }) {
  const list = usePages(
    Health,
    { filter: filterOf(state), environment: state.environment || null, orderBy: state.order, first: 50 },
    (answer) => answer.health,
    { keepPrevious: true },
  );
  if (list.isError) {
    const { error } = list;
    return error instanceof AnswerError && error.candidates.length > 0 ? (
      <Candidates error={error} />
    ) : (
      <Failure error={error} retry={() => void list.refetch()} />
    );
  }
  if (list.isPending) return <Loading what="Judging" />;
  if (list.nodes.length === 0) return <NothingListed filtered={Object.keys(filterOf(state)).length > 0} reset={reset} />;
  return (
    <div aria-busy={list.isPlaceholderData}>
      <p className="quiet" role="status">
        {count(list.totalCount, "service")}
        {(state.check !== "" || state.severity !== "") &&
          (state.outcome === "FAIL" ? " with such findings, whatever else came out" : " with such results")}
      </p>
      <div className="table-frame">
        <table className="services">
          <caption className="visually-hidden">Services by health, each with its findings on demand</caption>
          <thead>
            <tr>
              <th scope="col">Outcome</th>
              <th scope="col">Service</th>
              <th scope="col">Owner</th>
              <th scope="col">Tier</th>
              <th scope="col">Findings</th>
            </tr>
          </thead>
          <tbody>
            {list.nodes.map((row) => (
              <ServiceRow key={row.entity.ref} row={row} state={state} toggle={() => toggle(row.entity.ref)} />
            ))}
          </tbody>
        </table>
      </div>
      <More
        shown={list.nodes.length}
        total={list.totalCount}
        busy={list.isFetchingNextPage}
        more={list.hasNextPage ? () => void list.fetchNextPage() : null}
      />
    </div>
  );
}

function NothingListed({ filtered, reset }: { filtered: boolean; reset: () => void }) {
  return (
    <Empty>
      {filtered ? (
        <>
          No service fits.{" "}
          <button type="button" className="button" onClick={reset}>
            Show everything
          </button>
        </>
      ) : (
        <>
          No workload is known in this environment. Add a cluster, or a folder of manifests, to the configuration:{" "}
          <code>{"{id: prod, kind: kubernetes, context: prod}"}</code>.
        </>
      )}
    </Empty>
  );
}

function ServiceRow({ row, state, toggle }: { row: Row; state: HealthState; toggle: () => void }) {
  const id = useId();
  const { entity } = row;
  const opened = state.opened.includes(entity.ref);
  const { errors, warnings } = tally(row.checks);
  return (
    <>
      <tr className={opened ? "opened" : undefined}>
        <td data-label="Outcome">
          <button
            type="button"
            className="opener"
            aria-expanded={opened}
            aria-controls={opened ? id : undefined}
            aria-label={`Findings of ${entity.name}: ${outcomeWords[row.outcome].label}`}
            onClick={toggle}
          >
            <span className="chevron" aria-hidden="true" />
            <OutcomeBadge outcome={row.outcome} />
          </button>
        </td>
        <th scope="row">
          <EntityLink entity={entity} />
          <span className="ref">{shortRef(entity.ref)}</span>
        </th>
        <td data-label="Owner">
          <Owner row={entity} />
        </td>
        <td data-label="Tier">{entity.tier === null ? <span className="quiet">–</span> : <TierBadge tier={entity.tier} />}</td>
        <td data-label="Findings" className="tallies">
          {errors > 0 && <span className="badge severity-error">{count(errors, "error")}</span>}
          {warnings > 0 && <span className="badge severity-warning">{count(warnings, "warning")}</span>}
          {errors + warnings === 0 && <span className="quiet">none</span>}
        </td>
      </tr>
      {opened && (
        <tr id={id} className="opened-findings">
          <td colSpan={5}>
            <ServiceFindings of={entity.ref} environment={state.environment} />
          </td>
        </tr>
      )}
    </>
  );
}

/** The checks, those with findings first, and the teams; each narrows the list. */
function Sums({ state, totals, set }: { state: HealthState; totals: Totals; set: Set }) {
  const results = new Map(totals.totals.checks.map(({ check, results }) => [check.id, results]));
  const fails = (id: string) => results.get(id)?.fail ?? 0;
  const failing = totals.definitions
    .filter(({ id }) => fails(id) > 0)
    .sort((a, b) => a.severity.localeCompare(b.severity) || fails(b.id) - fails(a.id));
  const rest = totals.definitions.filter(({ id }) => !failing.some((other) => other.id === id));
  const { teams } = totals.totals;
  return (
    <>
      <h2>By check</h2>
      <p className="quiet">Each container, workload or object that was judged counts.</p>
      {failing.length === 0 ? <Empty>No check has a finding.</Empty> : <CheckList {...{ state, checks: failing, results, set }} />}
      {rest.length > 0 && (
        <details>
          <summary>{count(rest.length, "check")} without a finding</summary>
          <CheckList {...{ state, checks: rest, results, set }} />
        </details>
      )}
      {state.owner === "" && teams.nodes.length > 0 && (
        <>
          <h2>By team</h2>
          <ul className="sums">
            {teams.nodes.map(({ owner, services }) => (
              <li key={owner?.ref ?? ""}>
                {owner ? (
                  <button type="button" className="sum" onClick={() => set("owner", owner.ref)}>
                    {owner.profile?.displayName ?? owner.title ?? owner.name}
                  </button>
                ) : (
                  <span className="tag tag-loud">no owner</span>
                )}
                <span className="sum-numbers">
                  <strong>{services.fail.toLocaleString("en")}</strong> of{" "}
                  {(services.fail + services.pass + services.unknown).toLocaleString("en")} fail
                </span>
              </li>
            ))}
          </ul>
          {teams.totalCount > teams.nodes.length && (
            <p className="quiet">
              The first {teams.nodes.length} of {count(teams.totalCount, "team")}.
            </p>
          )}
        </>
      )}
    </>
  );
}

function CheckList(props: {
  state: HealthState;
  checks: Totals["definitions"];
  results: ReadonlyMap<string, Totals["totals"]["checks"][number]["results"]>;
  set: Set;
}) {
  return (
    <ul className="sums">
      {props.checks.map(({ id, title, severity }) => {
        const { fail, unknown, pass } = props.results.get(id) ?? { fail: 0, unknown: 0, pass: 0 };
        const chosen = props.state.check === id;
        return (
          <li key={id}>
            <button type="button" className="sum" aria-pressed={chosen} onClick={() => props.set("check", chosen ? "" : id)}>
              {title}
            </button>
            <span className="sum-numbers">
              <SeverityBadge severity={severity} /> <strong>{fail.toLocaleString("en")}</strong> of{" "}
              {(fail + unknown + pass).toLocaleString("en")} fail
              {unknown > 0 && `, ${unknown.toLocaleString("en")} unknown`}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
