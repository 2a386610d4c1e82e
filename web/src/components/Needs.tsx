import { Needs, NeededBy, type NeedFragment, type RowFragment } from "../api/generated";
import { usePages } from "../api/hooks";
import { count, duration } from "../words";
import { EvidenceBadges, StrengthBadge } from "./Badges";
import { EntityLink } from "./EntityLink";
import { EvidenceList, Owner } from "./Lists";
import { TrafficLine } from "./Traffic";
import { Empty, Failure, Loading, More } from "./States";

type Need = NeedFragment & { readonly other: RowFragment };

/** What an entity needs directly, or what needs it. */
export function NeedList({ of, direction }: { of: string; direction: "needs" | "needed-by" }) {
  const needs = usePages(Needs, { ref: of, first: 50 }, (answer) => answer.entity?.dependencies);
  const neededBy = usePages(NeededBy, { ref: of, first: 50 }, (answer) => answer.entity?.dependents);
  const list = direction === "needs" ? needs : neededBy;
  const title = direction === "needs" ? "Needs" : "Needed by";
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
        <Empty>{direction === "needs" ? "Nothing, as far as is known." : "Nobody, as far as is known."}</Empty>
      ) : (
        <>
          {groups(list.nodes, direction).map(({ name, members }) =>
            name === null ? (
              <NeedRows key="plain" needs={members} />
            ) : (
              <div key={name} className="any-of">
                <p className="any-of-title">
                  {members.length === 1 ? "no alternative" : `any one of ${count(members.length, "alternative")}`} <span className="quiet">({name})</span>
                </p>
                <NeedRows needs={members} />
              </div>
            ),
          )}
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

/**
 * The needs in groups of alternatives, plain ones first. Seen from the other end, each dependent has its own groups, so
 * nothing is grouped there.
 */
export function groups(
  needs: readonly Need[],
  direction: "needs" | "needed-by",
): { name: string | null; members: readonly Need[] }[] {
  if (direction === "needed-by") return [{ name: null, members: needs }];
  const byName = new Map<string | null, Need[]>();
  for (const need of needs) {
    const members = byName.get(need.anyOf);
    if (members) members.push(need);
    else byName.set(need.anyOf, [need]);
  }
  return [...byName]
    .map(([name, members]) => ({ name, members }))
    .sort((a, b) => Number(a.name !== null) - Number(b.name !== null));
}

function NeedRows({ needs }: { needs: readonly Need[] }) {
  return (
    <ul className="needs">
      {needs.map((need, i) => (
        <li key={i}>
          <div className="need-head">
            <EntityLink entity={need.other} />
            <StrengthBadge strength={need.strength} />
            <EvidenceBadges evidence={need.evidence} />
            {need.relation?.protocol && <span className="tag">{need.relation.protocol}</span>}
            {need.stale && <span className="tag tag-loud">stale</span>}
            <span className="need-owner">
              <Owner row={need.other} />
            </span>
          </div>
          <Detail need={need} />
        </li>
      ))}
    </ul>
  );
}

function Detail({ need }: { need: Need }) {
  const { relation } = need;
  return (
    <div className="need-detail">
      {need.via && (
        <span>
          by way of <EntityLink entity={need.via} plain />
        </span>
      )}
      {!need.via && relation?.role && <span>{relation.role === "PUBLISH" ? "publishes" : "consumes"}</span>}
      {relation?.fallback && <span>otherwise {relation.fallback}</span>}
      {relation?.timeoutSeconds != null && <span>waits {duration(relation.timeoutSeconds)}</span>}
      {relation?.callsPerRequest != null && <span>{relation.callsPerRequest} calls for each request</span>}
      {need.environment && <span>in {need.environment}</span>}
      {need.traffic && <TrafficLine traffic={need.traffic} strength={need.strength} />}
      <details>
        <summary>Why</summary>
        <EvidenceList evidence={need.evidence} />
      </details>
    </div>
  );
}
