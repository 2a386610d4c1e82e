import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { Link } from "wouter";
import { ask } from "../api/client";
import { ApproveScan, ScanSource, Sources, type SourceRowFragment } from "../api/generated";
import { usePages } from "../api/hooks";
import { Page } from "../components/Page";
import { Empty, Failure, Loading, More, sentence } from "../components/States";
import { entityPath, shortRef } from "../refs";
import { count, lostWords, moment, seconds, sourceWords } from "../words";

/** Where the data comes from: how fresh it is, what is wrong, and what waits for a person's word. */
export function SourcesPage() {
  const list = usePages(Sources, { first: 100 }, (answer) => answer.sources);
  return (
    <Page title="Sources">
      <p>Where the catalog comes from, how fresh it is, and what waits for somebody&apos;s word.</p>
      {list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading />
      ) : list.nodes.length === 0 ? (
        <Empty>
          No source is configured. Add one to the configuration, under <code>sources:</code>.
        </Empty>
      ) : (
        <>
          <ul className="plain-list source-cards">
            {list.nodes.map((source) => (
              <li key={source.id}>
                <SourceCard source={source} />
              </li>
            ))}
          </ul>
          <More
            shown={list.nodes.length}
            total={list.totalCount}
            more={list.hasNextPage ? () => void list.fetchNextPage() : null}
            busy={list.isFetchingNextPage}
          />
        </>
      )}
    </Page>
  );
}

function SourceCard({ source }: { source: SourceRowFragment }) {
  const client = useQueryClient();
  const scan = useMutation({
    mutationFn: () => ask(ScanSource, { id: source.id }),
    onSettled: () => client.invalidateQueries(),
  });
  return (
    <article className="card source-card" aria-labelledby={`source-${source.id}`}>
      <div className="source-head">
        <h2 id={`source-${source.id}`}>
          <span className={`dot dot-${source.state.toLowerCase()}`} aria-hidden="true" />
          {source.id}
        </h2>
        <span className="tag">{source.kind}</span>
        <span className={["FAILED", "HELD"].includes(source.state) ? "strong" : "quiet"}>{sourceWords[source.state]}</span>
        {source.configured && (
          <button type="button" className="button" disabled={scan.isPending} onClick={() => scan.mutate()}>
            {scan.isPending ? "Scanning …" : "Scan now"}
          </button>
        )}
      </div>
      {source.error && <p className="source-error">{sentence(source.error)}</p>}
      {source.watchError && source.watchError !== source.error && <p className="source-error">Changes are not seen as they happen: {sentence(source.watchError)}</p>}
      {scan.isError && <Failure error={scan.error} />}
      {scan.isSuccess && (
        <p role="status">
          Scanned: {count(scan.data.scanSource.put, "document")} came or changed, {scan.data.scanSource.removed} went
          {scan.data.scanSource.unreadable > 0 && <>, {scan.data.scanSource.unreadable} could not be read</>}.
        </p>
      )}
      {source.held && <Held source={source} held={source.held} />}
      <dl className="source-facts">
        {facts(source).map(([name, value], i) => (
          <div key={`${name} ${i}`}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </article>
  );
}

function facts(source: SourceRowFragment): [string, ReactNode][] {
  const list: [string, ReactNode][] = [
    ["Holds", `${count(source.entities, "entity", "entities")} in ${count(source.documents, "document")}`],
    ["Last good scan", moment(source.lastGood) ?? "never"],
  ];
  if (source.lastScan !== source.lastGood) list.push(["Last scan", moment(source.lastScan) ?? "never"]);
  if (source.durationSeconds !== null) list.push(["Took", seconds(source.durationSeconds)]);
  if (source.staleDocuments > 0) list.push(["Stale", count(source.staleDocuments, "document")]);
  if (source.watched) list.push(["Watched", "changes are seen as they happen"]);
  if (source.schedule) list.push(["Schedule", <code key="s">{source.schedule}</code>]);
  if (source.nextScan) list.push(["Next scan", moment(source.nextScan)]);
  if (source.environment) list.push(["Environment", source.environment]);
  for (const { reason, count: n } of source.lost) {
    const words = lostWords[reason];
    list.push(words ? ["Not used", `${n.toLocaleString("en")} ${words}`] : [`Not used: ${reason}`, count(n, "document")]);
  }
  for (const { name, limit, remaining, resetAt, used } of source.budgets) {
    list.push([
      `Budget: ${name}`,
      <span key={name}>
        <meter min={0} max={limit} low={limit / 10} value={remaining} aria-label={`Budget ${name}`} />{" "}
        {remaining.toLocaleString("en")} of {count(limit, "request")} left{resetAt && <> until {moment(resetAt)}</>}
        <span className="quiet"> (the last scan used {used.toLocaleString("en")})</span>
      </span>,
    ]);
  }
  return list;
}

function Held({ source, held }: { source: SourceRowFragment; held: NonNullable<SourceRowFragment["held"]> }) {
  const [sure, setSure] = useState(false);
  const client = useQueryClient();
  const approve = useMutation({
    mutationFn: () => ask(ApproveScan, { id: source.id, digest: held.digest }),
    onSettled: () => client.invalidateQueries(),
  });
  const what = count(held.entities, "entity", "entities");
  return (
    <div className="notice notice-bad" role="group" aria-label={`Removals of ${source.id} that wait`}>
      <h3>
        {what} of {held.of.toLocaleString("en")} would be removed
      </h3>
      <p>
        Missing since {moment(held.since)}. {sentence(held.reason)} Until somebody approves it they stay, marked stale. If they
        are missing by mistake, mend the source: the next good scan clears this.
      </p>
      <details>
        <summary>Which ones</summary>
        <ul className="chips">
          {held.refs.map((ref) => (
            <li key={ref}>{ref.includes(":") && ref.includes("/") ? <Link href={entityPath(ref)}>{shortRef(ref)}</Link> : ref}</li>
          ))}
          {held.entities > held.refs.length && <li className="quiet">and {count(held.entities - held.refs.length, "more", "more")}</li>}
        </ul>
      </details>
      {approve.isError && <Failure error={approve.error} />}
      <p className="actions">
        {sure ? (
          <>
            <button type="button" className="button button-bad" disabled={approve.isPending} onClick={() => approve.mutate()}>
              {approve.isPending ? "Removing …" : `Yes, remove ${what}`}
            </button>
            <button type="button" className="button" onClick={() => setSure(false)}>
              Keep them
            </button>
          </>
        ) : (
          <button type="button" className="button" onClick={() => setSure(true)}>
            Approve the removal …
          </button>
        )}
      </p>
    </div>
  );
}
