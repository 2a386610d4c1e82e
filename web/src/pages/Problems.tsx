import { useSearchParams } from "wouter";
import { Problems, type ProblemFilter, type Severity } from "../api/generated";
import { usePages } from "../api/hooks";
import { ProblemList } from "../components/Lists";
import { Page } from "../components/Page";
import { Empty, Failure, Loading, More } from "../components/States";
import { count } from "../words";

const choices: readonly { value: Severity | ""; label: string }[] = [
  { value: "", label: "All" },
  { value: "ERROR", label: "Errors" },
  { value: "WARNING", label: "Warnings" },
];

export function ProblemsPage() {
  const [params, setParams] = useSearchParams();
  const severity = choices.find(({ value }) => value === params.get("severity")?.toUpperCase())?.value ?? "";
  const filter: ProblemFilter = severity === "" ? {} : { severities: [severity] };
  const list = usePages(Problems, { filter, first: 100 }, (answer) => answer.problems);
  return (
    <Page title="Problems">
      <p>What is wrong in the catalog files, where, and what to do. An error means that the document was not accepted.</p>
      <fieldset className="tabs">
        <legend className="visually-hidden">Severity</legend>
        {choices.map(({ value, label }) => (
          <label key={label}>
            <input
              type="radio"
              name="severity"
              checked={severity === value}
              onChange={() => setParams(new URLSearchParams(value === "" ? [] : [["severity", value]]))}
            />
            {label}
          </label>
        ))}
      </fieldset>
      {list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading />
      ) : list.nodes.length === 0 ? (
        <Empty>{severity === "" ? "No problems. Everything that was read was accepted." : "None of these."}</Empty>
      ) : (
        <>
          <p className="quiet" role="status">
            {count(list.totalCount, "problem")}
          </p>
          <ProblemList problems={list.nodes} />
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
