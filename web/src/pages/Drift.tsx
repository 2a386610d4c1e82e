import { useId, useState } from "react";
import { useSearchParams } from "wouter";
import { AnswerError } from "../api/client";
import { Drift, DriftTotals, type DriftQuery, type DriftTotalsQuery } from "../api/generated";
import { useAnswer, usePages } from "../api/hooks";
import { EntityLink } from "../components/EntityLink";
import { Chip, OwnerField, Select } from "../components/Filters";
import { Owner, Place } from "../components/Lists";
import { Page } from "../components/Page";
import { Candidates, Empty, Failure, Loading, More, sentence } from "../components/States";
import {
  actionWords, amount, confidences, confidenceWords, driftFilter, driftKinds, driftScope, driftState, driftWords, rate, share,
  type DriftState,
} from "../drift";
import { environmentsOf } from "../health";
import { count, moment } from "../words";

type Finding = DriftQuery["drift"]["nodes"][number];
type Patch = NonNullable<Finding["patch"]>;
type Set = (key: string, value: string) => void;

/** Where what teams declare disagrees with the traffic that was seen. */
export function DriftPage() {
  const [params, setParams] = useSearchParams();
  const state = driftState(params);
  const totals = useAnswer(
    DriftTotals,
    { filter: driftScope(state), environment: state.environment || null },
    { keepPrevious: true },
  );
  const set: Set = (key, value) =>
    setParams((before) => {
      const after = new URLSearchParams(before);
      if (value === "") after.delete(key);
      else after.set(key, value);
      return after;
    });
  return (
    <Page title="Drift">
      <p>Where what teams declare disagrees with the traffic that was seen, or with the teams there are, and what to write to make it right.</p>
      <Kinds state={state} totals={totals.data} set={set} />
      <form className="filters" aria-label="Narrow the list" onSubmit={(event) => event.preventDefault()}>
        {state.of !== "" && (
          <div className="field">
            <span className="field-label" aria-hidden="true">
              Only
            </span>
            <Chip label="Only" value={state.of} remove={() => set("of", "")} />
          </div>
        )}
        <Select label="Confidence" value={state.confidence} onChange={(value) => set("confidence", value)}>
          <option value="">Any confidence</option>
          {confidences.slice(0, 2).map((confidence) => (
            <option key={confidence} value={confidence}>
              {confidence === "HIGH" ? "Only what is sure" : "Sure or likely"}
            </option>
          ))}
        </Select>
        <OwnerField value={state.owner} onChange={(value) => set("owner", value)} />
        <Select label="Environment" value={state.environment || "production"} onChange={(value) => set("env", value === "production" ? "" : value)}>
          {environmentsOf(totals.data?.sources.nodes ?? [], state.environment).map((environment) => (
            <option key={environment} value={environment}>
              {environment}
            </option>
          ))}
        </Select>
      </form>
      <Findings state={state} traced={isTraced(totals.data)} reset={() => setParams(new URLSearchParams())} />
    </Page>
  );
}

/** Whether any source counts traffic; taken for granted until that is known. */
function isTraced(totals: DriftTotalsQuery | undefined): boolean {
  return totals === undefined || totals.sources.nodes.some(({ kind }) => ["otlp", "prometheus", "jaeger", "zipkin"].includes(kind));
}

/** The numbers of findings by kind; each narrows the list to its own. */
function Kinds({ state, totals, set }: { state: DriftState; totals: DriftTotalsQuery | undefined; set: Set }) {
  return (
    <div className="outcomes drift-kinds" role="group" aria-label="Findings by kind">
      {driftKinds.map((kind) => (
        <button
          key={kind}
          type="button"
          className="outcome-tile drift-tile"
          aria-pressed={state.kind === kind}
          title={driftWords[kind].meaning}
          onClick={() => set("kind", state.kind === kind ? "" : kind)}
        >
          <span className="outcome-number">
            {totals ? (totals.drift.totals.find((total) => total.kind === kind)?.count ?? 0).toLocaleString("en") : "–"}
          </span>
          <span>{driftWords[kind].label}</span>
        </button>
      ))}
    </div>
  );
}

function Findings({ state, traced, reset }: { state: DriftState; traced: boolean; reset: () => void }) {
  const list = usePages(
    Drift,
    { filter: driftFilter(state), environment: state.environment || null, first: 50 },
    (answer) => answer.drift,
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
  if (list.isPending) return <Loading what="Comparing" />;
  if (list.nodes.length === 0) return <Nothing filtered={Object.keys(driftFilter(state)).length > 0} traced={traced} reset={reset} />;
  return (
    <div aria-busy={list.isPlaceholderData}>
      <p className="quiet" role="status">
        {count(list.totalCount, "finding")}
      </p>
      <ul className="drift-list">
        {list.nodes.map((finding) => (
          <li key={`${finding.kind} ${finding.entity.ref} ${finding.from?.ref ?? ""} ${finding.to?.ref ?? ""}`}>
            <Card finding={finding} />
          </li>
        ))}
      </ul>
      <More
        shown={list.nodes.length}
        total={list.totalCount}
        busy={list.isFetchingNextPage}
        more={list.hasNextPage ? () => void list.fetchNextPage() : null}
      />
    </div>
  );
}

function Nothing({ filtered, traced, reset }: { filtered: boolean; traced: boolean; reset: () => void }) {
  if (!traced) {
    return (
      <Empty>
        No source counts traffic yet. Add one to the configuration:{" "}
        <code>{"{id: traces, kind: otlp, grpc: 127.0.0.1:4317, http: 127.0.0.1:4318}"}</code>.
      </Empty>
    );
  }
  return (
    <Empty>
      {filtered ? (
        <>
          No finding fits.{" "}
          <button type="button" className="button" onClick={reset}>
            Show everything
          </button>
        </>
      ) : (
        "Nothing that was seen disagrees with what is declared."
      )}
    </Empty>
  );
}

function Card({ finding }: { finding: Finding }) {
  const id = useId();
  const [opened, setOpened] = useState(false);
  const { from, to, entity, patch } = finding;
  return (
    <article className="drift-card" aria-label={finding.message}>
      <p className="drift-head">
        <span className={`badge confidence-${finding.confidence.toLowerCase()}`} title={finding.kind === "DECLARED_OWNER_GONE" ? undefined : confidenceWords[finding.confidence].meaning}>
          {confidenceWords[finding.confidence].label}
        </span>
        <span className="drift-kind">{driftWords[finding.kind].label}</span>
        {from && to ? (
          <span className="drift-edge">
            <EntityLink entity={from} /> <span aria-hidden="true">→</span> <EntityLink entity={to} />
          </span>
        ) : (
          <EntityLink entity={entity} />
        )}
        {finding.kind !== "DECLARED_OWNER_GONE" && (
          <span className="drift-owner">
            <Owner row={entity} />
          </span>
        )}
      </p>
      <p>{sentence(finding.message)}</p>
      <p className="drift-facts quiet">
        {finding.kind !== "DECLARED_OWNER_GONE" && <Numbers finding={finding} />}
        {patch && (
          <button type="button" className="link-button" aria-expanded={opened} aria-controls={opened ? id : undefined} onClick={() => setOpened(!opened)}>
            {opened ? "Hide the patch" : "What to write"}
          </button>
        )}
      </p>
      {patch && opened && <PatchText id={id} patch={patch} />}
    </article>
  );
}

function Numbers({ finding }: { finding: Finding }) {
  const { requests, errors, requestRate, firstSeen, lastSeen } = finding;
  if (requests === null) return <span>no traffic was seen</span>;
  return (
    <>
      <span>{amount(requests)} requests</span>
      {requestRate !== null && requestRate > 0 && <span>{rate(requestRate)}</span>}
      <span>{share(errors ?? 0, requests)} failed</span>
      {firstSeen && <span>since {moment(firstSeen)}</span>}
      {lastSeen && <span>last {moment(lastSeen)}</span>}
    </>
  );
}

function PatchText({ id, patch }: { id: string; patch: Patch }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(patch.yaml);
    setCopied(true);
  };
  return (
    <div id={id} className="drift-patch">
      <p>
        {actionWords[patch.action]}{" "}
        <span>{patch.location === null ? <code>a new catalog-info.yaml</code> : <Place at={patch} />}</span>
        <button type="button" className="button" onClick={() => void copy()}>
          {copied ? "Copied" : "Copy"}
        </button>
      </p>
      <pre>{patch.yaml}</pre>
    </div>
  );
}
