import { Cycles } from "../api/generated";
import { usePages } from "../api/hooks";
import { EntityTable } from "../components/Lists";
import { Page } from "../components/Page";
import { Empty, Failure, Loading, More } from "../components/States";
import { count } from "../words";

export function CyclesPage() {
  const list = usePages(Cycles, { first: 20 }, (answer) => answer.cycles);
  return (
    <Page title="Cycles">
      <p>
        Groups in which everything needs everything else, directly or not. None of them can be started, changed or fail on
        its own.
      </p>
      {list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading />
      ) : list.nodes.length === 0 ? (
        <Empty>There are no cycles.</Empty>
      ) : (
        <>
          {list.nodes.map((cycle) => (
            <section key={cycle.entities.nodes[0]?.ref} aria-label="Cycle">
              <h2>{count(cycle.size, "entity", "entities")}</h2>
              <EntityTable rows={cycle.entities.nodes} caption="Entities of the cycle" />
              {cycle.size > cycle.entities.nodes.length && (
                <p className="quiet">
                  The first {cycle.entities.nodes.length} of {cycle.size.toLocaleString("en")}.
                </p>
              )}
            </section>
          ))}
          <More
            shown={list.nodes.length}
            total={list.totalCount}
            busy={list.isFetchingNextPage}
            more={list.hasNextPage ? () => void list.fetchNextPage() : null}
          />
        </>
      )}
    </Page>
  );
}
