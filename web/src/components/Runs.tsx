import { Runs, RunsOn, Workloads, type NodeFactsFragment, type RunsQuery } from "../api/generated";
import { usePages } from "../api/hooks";
import { count } from "../words";
import { controllerName, replicaWords } from "../workloads";
import { EntityLink } from "./EntityLink";
import { Place } from "./Lists";
import { Empty, Failure, Loading, More } from "./States";
import { Whereabouts, WorkloadFacts } from "./Workload";

type Run = NonNullable<RunsQuery["entity"]>["runs"]["nodes"][number];

/** The workloads that an entity runs on, with what is known of each. */
export function WorkloadList({ of }: { of: string }) {
  const list = usePages(Workloads, { ref: of, first: 10 }, (answer) => answer.entity?.workloads);
  return (
    <section aria-labelledby="workloads">
      <h2 id="workloads">Runs on {list.isSuccess && <span className="quiet">{count(list.totalCount, "workload")}</span>}</h2>
      {list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading />
      ) : (
        <>
          <ul className="needs">
            {list.nodes.map(({ workload, source, stale, ...entity }) => (
              <li key={entity.ref} className="workload">
                <p className="need-head">
                  <EntityLink entity={entity} />
                  {stale && <span className="tag tag-loud">stale</span>}
                  <span className="need-owner">
                    {source && <Place at={source} />}
                  </span>
                </p>
                {workload ? (
                  <>
                    <Whereabouts workload={workload} />
                    <WorkloadFacts workload={workload} opened={list.totalCount === 1} />
                  </>
                ) : (
                  <p className="quiet">It was only seen in traffic; no cluster or manifest says more.</p>
                )}
              </li>
            ))}
          </ul>
          <More
            shown={list.nodes.length}
            total={list.totalCount}
            busy={list.isFetchingNextPage}
            more={list.hasNextPage ? () => void list.fetchNextPage() : null}
          />
        </>
      )}
    </section>
  );
}

/** What a workload, a node, a zone or a cluster runs on, or what runs on it. */
export function RunList({ of, direction, title, none }: { of: string; direction: "runs-on" | "runs"; title: string; none: string }) {
  const runsOn = usePages(RunsOn, { ref: of, first: 50 }, (answer) => answer.entity?.runsOn, { enabled: direction === "runs-on" });
  const runs = usePages(Runs, { ref: of, first: 50 }, (answer) => answer.entity?.runs, { enabled: direction === "runs" });
  const list = direction === "runs" ? runs : runsOn;
  return (
    <section aria-label={title}>
      <h2>
        {title} {list.isSuccess && <span className="quiet">{list.totalCount.toLocaleString("en")}</span>}
      </h2>
      {list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading />
      ) : list.nodes.length === 0 ? (
        <Empty>{none}</Empty>
      ) : (
        <>
          <ul className="needs">
            {list.nodes.map((node) => (
              <li key={node.ref} className="need-head">
                <EntityLink entity={node} />
                {node.stale && <span className="tag tag-loud">stale</span>}
                {node.node && <NodeWords node={node.node} />}
                {"workload" in node && <RunWords run={node} />}
              </li>
            ))}
          </ul>
          <More
            shown={list.nodes.length}
            total={list.totalCount}
            busy={list.isFetchingNextPage}
            more={list.hasNextPage ? () => void list.fetchNextPage() : null}
          />
        </>
      )}
    </section>
  );
}

/** The zone and the state of a node. */
function NodeWords({ node }: { node: NodeFactsFragment }) {
  return (
    <>
      {node.zone && <span className="quiet">in {node.zone}</span>}
      {node.ready === false && <span className="tag tag-loud">not ready</span>}
    </>
  );
}

/** What runs, in a few words, with whose it is. */
function RunWords({ run }: { run: Run }) {
  const [whose] = run.runs.nodes;
  if (run.node) return <span className="need-owner quiet">{count(run.runs.totalCount, "workload")}</span>;
  if (!run.workload) return null;
  const replicas = replicaWords(run.workload.replicas);
  return (
    <>
      <span className="quiet">
        {controllerName(run.workload.kind)} in {run.workload.namespace}
        {run.workload.version && `, ${run.workload.version}`}
        {replicas && `, ${replicas}`}
      </span>
      <span className="need-owner">{whose ? <EntityLink entity={whose} /> : <span className="tag tag-loud">nobody&apos;s</span>}</span>
    </>
  );
}
