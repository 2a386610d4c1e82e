import { useEffect, useState } from "react";
import { useSearchParams } from "wouter";
import { Entities as EntitiesOperation, type EntityFilter, type EntityOrder } from "../api/generated";
import { usePages } from "../api/hooks";
import { Other, OwnerField, Select, Tiers } from "../components/Filters";
import { EntityTable } from "../components/Lists";
import { Page } from "../components/Page";
import { Empty, Failure, Loading, More } from "../components/States";
import { count, kinds } from "../words";

/** The filter that the address of the list stands for. */
export function filterOf(params: URLSearchParams): EntityFilter {
  const text = (key: string) => params.get(key)?.trim() ?? "";
  const tier = Number.parseInt(text("tier"), 10);
  return {
    ...(text("kind") && { kinds: [text("kind")] }),
    ...(text("owner") && { owners: [text("owner")] }),
    ...(text("name") && { namePrefix: text("name") }),
    ...(tier >= 0 && tier <= 4 && { tiers: [tier] }),
    // People and teams own; only what can be owned is missed an owner.
    ...(text("owned") === "no" && {
      owned: false,
      ...(text("kind") === "" && { kinds: ["Component", "API", "Resource", "System", "Domain", "Journey", "External"] }),
    }),
    ...(text("described") === "no" && { placeholder: true }),
    ...(text("discovered") === "yes" && { discovered: true }),
    ...(text("problems") === "yes" && { hasProblems: true }),
  };
}

const orders: readonly { value: EntityOrder; label: string }[] = [
  { value: "NAME", label: "Name" },
  { value: "REF", label: "Kind and name" },
  { value: "TIER", label: "Tier" },
];

export function Entities() {
  const [params, setParams] = useSearchParams();
  const order = orders.find(({ value }) => value === params.get("order")?.toUpperCase())?.value ?? "NAME";
  const list = usePages(EntitiesOperation, { filter: filterOf(params), orderBy: order, first: 50 }, (a) => a.entities);

  function set(key: string, value: string) {
    setParams(
      (before) => {
        const after = new URLSearchParams(before);
        if (value === "") after.delete(key);
        else after.set(key, value);
        return after;
      },
      { replace: key === "name" },
    );
  }
  return (
    <Page title="Catalog">
      <form className="filters" aria-label="Narrow the list" onSubmit={(event) => event.preventDefault()}>
        <NameField value={params.get("name") ?? ""} onChange={(value) => set("name", value)} />
        <Select label="Kind" value={params.get("kind") ?? ""} onChange={(value) => set("kind", value)}>
          <option value="">Any kind</option>
          {kinds.map(({ kind, plural }) => (
            <option key={kind} value={kind}>
              {plural}
            </option>
          ))}
          <Other value={params.get("kind")} known={kinds.map(({ kind }) => kind)} />
        </Select>
        <OwnerField value={params.get("owner") ?? ""} onChange={(value) => set("owner", value)} />
        <Select label="Tier" value={params.get("tier") ?? ""} onChange={(value) => set("tier", value)}>
          <Tiers />
        </Select>
        <Select label="Order" value={order} onChange={(value) => set("order", value === "NAME" ? "" : value)}>
          {orders.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </Select>
        <fieldset className="checks">
          <legend className="visually-hidden">Only those</legend>
          <Check label="Without an owner" checked={params.get("owned") === "no"} onChange={(on) => set("owned", on ? "no" : "")} />
          <Check label="Described by nobody" checked={params.get("described") === "no"} onChange={(on) => set("described", on ? "no" : "")} />
          <Check label="Runs and nobody's" checked={params.get("discovered") === "yes"} onChange={(on) => set("discovered", on ? "yes" : "")} />
          <Check label="With problems" checked={params.get("problems") === "yes"} onChange={(on) => set("problems", on ? "yes" : "")} />
        </fieldset>
      </form>
      {list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading />
      ) : list.nodes.length === 0 ? (
        <Empty>
          Nothing fits. {params.size > 0 && (
            <button type="button" className="button" onClick={() => setParams(new URLSearchParams())}>
              Show everything
            </button>
          )}
        </Empty>
      ) : (
        <>
          <p className="quiet" role="status">
            {count(list.totalCount, "entity", "entities")}
          </p>
          <EntityTable rows={list.nodes} caption="Entities in the catalog" />
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

/** The field of the name asks once the typing pauses. */
function NameField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState(value);
  const [shown, setShown] = useState(value);
  if (shown !== value) {
    setShown(value);
    setTyped(value);
  }
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => onChange(typed), 200);
    return () => clearTimeout(timer);
  });
  return (
    <label className="field">
      <span className="field-label">Name begins with</span>
      <input type="text" value={typed} onChange={(event) => setTyped(event.target.value)} spellCheck={false} />
    </label>
  );
}

function Check({ label, checked, onChange }: { label: string; checked: boolean; onChange: (on: boolean) => void }) {
  return (
    <label className="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} /> {label}
    </label>
  );
}
