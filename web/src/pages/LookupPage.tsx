import { Redirect, useSearchParams } from "wouter";
import { AnswerError } from "../api/client";
import { Lookup } from "../api/generated";
import { useAnswer } from "../api/hooks";
import { Page } from "../components/Page";
import { Candidates, Empty, Failure, Loading } from "../components/States";
import { entityPath } from "../refs";

/** What a typed text means: its entity's page, or what may have been meant. */
export function LookupPage() {
  const [params] = useSearchParams();
  const typed = params.get("q")?.trim() ?? "";
  const answer = useAnswer(Lookup, { typed }, { enabled: typed !== "" });
  if (answer.data?.entity) return <Redirect to={entityPath(answer.data.entity.ref)} replace />;
  const { error } = answer;
  return (
    <Page title={typed === "" ? "Look up" : `“${typed}”`}>
      {typed === "" ? (
        <Empty>Type a name in the field above.</Empty>
      ) : error instanceof AnswerError && ["NOT_FOUND", "BAD_INPUT"].includes(error.code) ? (
        <Candidates error={error} />
      ) : error ? (
        <Failure error={error} retry={() => void answer.refetch()} />
      ) : (
        <Loading what="Looking" />
      )}
    </Page>
  );
}
