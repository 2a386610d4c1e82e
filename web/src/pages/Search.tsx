import { Link, Redirect, useSearchParams } from "wouter";
import { Lookup, SearchPage as Search, type SearchPageQuery } from "../api/generated";
import { useAnswer, usePages } from "../api/hooks";
import { LifecycleTag, TierBadge } from "../components/Badges";
import { displayName, EntityLink } from "../components/EntityLink";
import { Owner } from "../components/Lists";
import { Page } from "../components/Page";
import { Empty, Failure, Loading, More } from "../components/States";
import { blastPath, entityPath, shortRef } from "../refs";
import { count, fieldWords } from "../words";

type Hit = SearchPageQuery["search"]["nodes"][number];

/** What a typed text means: its entity's page where it names one, or else everything that fits. */
export function SearchPage() {
  const [params] = useSearchParams();
  const typed = params.get("q")?.trim() ?? "";
  const exact = useAnswer(Lookup, { typed }, { enabled: typed !== "" });
  if (typed !== "" && exact.data?.entity) return <Redirect to={entityPath(exact.data.entity.ref)} replace />;
  return (
    <Page title={typed === "" ? "Search" : `“${typed}”`}>
      {typed === "" ? (
        <Empty>Type a name, or a part of one, in the field above.</Empty>
      ) : exact.isPending ? (
        <Loading what="Looking" />
      ) : (
        <Hits key={typed} typed={typed} />
      )}
    </Page>
  );
}

function Hits({ typed }: { typed: string }) {
  const list = usePages(Search, { text: typed, first: 50 }, (answer) => answer.search);
  if (list.isError) return <Failure error={list.error} retry={() => void list.refetch()} />;
  if (list.isPending) return <Loading what="Looking" />;
  if (list.nodes.length === 0) {
    return (
      <Empty>
        Nothing is called anything like this. Words can be narrowed by <code>kind:</code>, <code>owner:</code>,{" "}
        <code>tag:</code>, <code>tier:</code> and <code>lifecycle:</code>.
      </Empty>
    );
  }
  return (
    <>
      <p className="quiet">{count(list.totalCount, "thing fits", "things fit")}, the best first</p>
      <ol className="found">
        {list.nodes.map((hit) => (
          <li key={hit.entity.ref}>
            <HitRow hit={hit} />
          </li>
        ))}
      </ol>
      <More
        shown={list.nodes.length}
        total={list.totalCount}
        more={list.hasNextPage ? () => void list.fetchNextPage() : null}
        busy={list.isFetchingNextPage}
      />
    </>
  );
}

function HitRow({ hit }: { hit: Hit }) {
  const { entity } = hit;
  return (
    <>
      <p className="found-head">
        <EntityLink entity={entity} />
        <span className="ref">{shortRef(entity.ref)}</span>
        <TierBadge tier={entity.tier} />
        <LifecycleTag lifecycle={entity.lifecycle} />
        <Owner row={entity} />
        {!["group", "user"].includes(entity.kind.toLowerCase()) && (
          <Link href={blastPath([entity.ref])} aria-label={`Blast radius of ${displayName(entity)}`}>
            Blast radius
          </Link>
        )}
      </p>
      {hit.field !== "NAME" && hit.field !== "DESCRIPTION" && (
        <p className="quiet">
          {fieldWords[hit.field]} <code>{hit.text}</code>
        </p>
      )}
      {entity.description && <p className="found-description">{entity.description}</p>}
    </>
  );
}
