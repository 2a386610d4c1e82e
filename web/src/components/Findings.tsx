import { ServiceHealth, type FindingFragment, type ServiceHealthQuery } from "../api/generated";
import { useAnswer } from "../api/hooks";
import { byWorkload, type WorkloadResults } from "../health";
import { count, moment } from "../words";
import { OutcomeBadge, SeverityBadge } from "./Badges";
import { EntityLink } from "./EntityLink";
import { Place } from "./Lists";
import { Empty, Failure, Loading, sentence } from "./States";

type Health = NonNullable<NonNullable<ServiceHealthQuery["entity"]>["health"]>;
type Rest = Health["rest"][number];

/** All findings of one service with what to do about them, what it is exempted from, and what came out well. */
export function ServiceFindings({ of, environment }: { of: string; environment: string }) {
  const answer = useAnswer(ServiceHealth, { ref: of, environment: environment || null });
  if (answer.isError) return <Failure error={answer.error} retry={() => void answer.refetch()} />;
  if (answer.isPending) return <Loading what="Judging" />;
  const health = answer.data.entity?.health;
  if (!health) return <Empty>There is nothing to judge here: it runs on no workload of this environment.</Empty>;
  const exempted = health.rest.filter(({ exemption }) => exemption !== null);
  const other = health.rest.filter(({ exemption }) => exemption === null);
  return (
    <div className="findings">
      {health.findings.length === 0 ? (
        <p className="all-well">Nothing is wrong that any check knows of.</p>
      ) : (
        <Groups results={health.findings} render={(finding) => <Finding finding={finding} />} />
      )}
      {exempted.length > 0 && (
        <>
          <h3>Exempted</h3>
          <Groups results={exempted} render={(result) => <Exempted result={result} />} />
        </>
      )}
      <Others results={other} />
    </div>
  );
}

function Groups<Result extends Parameters<typeof byWorkload>[0][number]>({
  results,
  render,
}: {
  results: readonly Result[];
  render: (result: Result) => React.ReactNode;
}) {
  return byWorkload(results).map(({ workload, parts }: WorkloadResults<Result>) => (
    <div key={workload?.ref ?? ""} className="finding-group">
      <p className="finding-workload">{workload ? <EntityLink entity={workload} /> : "Leads to nothing in this cluster"}</p>
      {parts.map((part) => (
        <div key={part.container ?? ""}>
          {workload && (
            <p className="finding-container">
              {part.container === null ? (
                "The whole workload"
              ) : (
                <>
                  Container <code>{part.container}</code>
                </>
              )}
            </p>
          )}
          <ul className="problems">
            {part.results.map((result, i) => (
              <li key={i}>{render(result)}</li>
            ))}
          </ul>
        </div>
      ))}
    </div>
  ));
}

function Finding({ finding }: { finding: FindingFragment }) {
  const { check } = finding;
  return (
    <>
      {finding.outcome === "FAIL" ? <SeverityBadge severity={finding.severity} /> : <OutcomeBadge outcome={finding.outcome} />}
      <div>
        <p>
          <strong>{check.title}</strong> <code className="quiet">{check.id}</code>
        </p>
        <p>{sentence(finding.message)}</p>
        <p>
          <span className="quiet">What to do:</span> {check.fix}
        </p>
        <div className="finding-foot">
          <Place at={finding} />
          <details>
            <summary>Why it matters</summary>
            <p>{check.rationale}</p>
            <p className="quiet">{check.reference}</p>
          </details>
        </div>
      </div>
    </>
  );
}

function Exempted({ result }: { result: Rest }) {
  return (
    <>
      <span className="badge outcome-not_applicable">Exempted</span>
      <div>
        <p>
          <strong>{result.check.title}</strong> <code className="quiet">{result.check.id}</code>
        </p>
        <p>{sentence(result.message)}</p>
        {result.exemption && (
          <p>
            <span className="quiet">Why:</span> {sentence(result.exemption.reason)}{" "}
            <span className="quiet">
              {result.exemption.expires === null ? "It never expires." : `It expires on ${moment(result.exemption.expires)}.`}
            </span>
          </p>
        )}
        <Place at={result} />
      </div>
    </>
  );
}

function Others({ results }: { results: readonly Rest[] }) {
  const passed = results.filter(({ outcome }) => outcome === "PASS").length;
  if (results.length === 0) return null;
  return (
    <details className="others">
      <summary>
        {count(passed, "check")} passed, {(results.length - passed).toLocaleString("en")} not applicable
      </summary>
      <Groups
        results={results}
        render={(result) => (
          <>
            <OutcomeBadge outcome={result.outcome} />
            <p>
              <code className="quiet">{result.check.id}</code> {sentence(result.message)}
            </p>
          </>
        )}
      />
    </details>
  );
}
