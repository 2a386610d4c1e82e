import { useMemo } from "react";
import { useSearchParams } from "wouter";
import { AnswerError } from "../api/client";
import { Changes } from "../api/generated";
import { usePages } from "../api/hooks";
import { ChangeList } from "../components/ChangeList";
import { Lookup } from "../components/Lookup";
import { Page } from "../components/Page";
import { Candidates, Empty, Failure, Loading, More } from "../components/States";
import { shortRef } from "../refs";
import { count } from "../words";

const aDay = { value: "1d", label: "a day", hours: 24 };

const spans = [
  { value: "2h", label: "2 hours", hours: 2 },
  aDay,
  { value: "7d", label: "7 days", hours: 7 * 24 },
  { value: "30d", label: "30 days", hours: 30 * 24 },
  { value: "", label: "all that is kept", hours: 0 },
];

/** What changed: in everything, about one entity, or in all that it needs. */
export function ChangesPage() {
  const [params, setParams] = useSearchParams();
  const of = params.get("of")?.trim() ?? "";
  const upstream = of !== "" && params.get("upstream") === "yes";
  const span = spans.find(({ value }) => value === (params.get("since") ?? aDay.value)) ?? aDay;
  // The moment stays while the page does, so that it is one list that grows.
  const since = useMemo(
    () => (span.hours === 0 ? null : new Date(new Date().getTime() - span.hours * 3_600_000).toISOString()),
    [span.hours],
  );
  const list = usePages(Changes, { since, of: of === "" ? null : of, upstream, first: 100 }, (answer) => answer.changes);

  function set(name: string, value: string | null) {
    const next = new URLSearchParams(params);
    if (value === null) next.delete(name);
    else next.set(name, value);
    if (name === "of" && value === null) next.delete("upstream");
    setParams(next);
  }

  const { error } = list;
  return (
    <Page title={of === "" ? "Changes" : `Changes of ${of.includes("/") ? shortRef(of) : of}`} heading="What changed">
      <div className="filters">
        <label className="field">
          <span className="field-label">In the last</span>
          <select value={span.value} onChange={(event) => set("since", event.target.value)}>
            {spans.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <div className="field">
          <span className="field-label">Of</span>
          {of === "" ? (
            <Lookup label="Of" placeholder="everything" onChoose={(ref) => set("of", ref)} onText={(typed) => set("of", typed)} />
          ) : (
            <button type="button" className="chip" aria-label={`Of ${of}: remove this filter`} onClick={() => set("of", null)}>
              {of.includes("/") ? shortRef(of) : of} <span aria-hidden="true">×</span>
            </button>
          )}
        </div>
        {of !== "" && (
          <label className="check">
            <input type="checkbox" checked={upstream} onChange={(event) => set("upstream", event.target.checked ? "yes" : null)} />
            and of everything it needs
          </label>
        )}
      </div>
      {error instanceof AnswerError && error.candidates.length > 0 ? (
        <Candidates error={error} />
      ) : error ? (
        <Failure error={error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading />
      ) : list.nodes.length === 0 ? (
        <Empty>Nothing, as far as is kept.</Empty>
      ) : (
        <>
          <p className="quiet">{count(list.totalCount, "change")}, the newest first</p>
          <ChangeList changes={list.nodes} />
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
