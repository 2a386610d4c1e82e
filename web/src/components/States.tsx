import type { ReactNode } from "react";
import { Link } from "wouter";
import { AnswerError, AwayError } from "../api/client";
import { entityPath, shortRef } from "../refs";

/** Shown while an answer is awaited. It appears only after a moment, so that quick answers do not flicker. */
export function Loading({ what = "Loading" }: { what?: string }) {
  return (
    <p className="loading" role="status">
      <span className="spinner" aria-hidden="true" />
      {what} …
    </p>
  );
}

/** Shown where there is nothing to show, with what to do about it. */
export function Empty({ children }: { children: ReactNode }) {
  return <p className="empty">{children}</p>;
}

/** Says what went wrong and what can be done about it. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  if (error instanceof AnswerError && error.code === "NOT_FOUND") {
    return <Candidates error={error} />;
  }
  const away = error instanceof AwayError;
  const unavailable = error instanceof AnswerError && error.code === "UNAVAILABLE";
  return (
    <div className="notice notice-bad" role="alert">
      <h2>{away ? "The server is away" : unavailable ? "There is no answer yet" : "The question could not be answered"}</h2>
      <p>{error instanceof Error ? sentence(error.message) : String(error)}</p>
      {away && <p>Check that orrery serve is running. This page asks again when you do.</p>}
      {retry && (
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** A name that fits nothing or several things, with what may have been meant. */
export function Candidates({ error }: { error: AnswerError }) {
  const { candidates } = error;
  const ambiguous = error.code !== "NOT_FOUND";
  return (
    <div className="notice" role="status">
      {candidates.length === 0 ? (
        <p>
          {sentence(error.message)} <Link href="/entities">See everything in the catalog</Link>.
        </p>
      ) : (
        <>
          <p>{ambiguous ? "Several things have this name." : "Nothing in the catalog has this name."}</p>
          <h2>{ambiguous ? "Which one do you mean?" : "Did you mean"}</h2>
          <ul className="plain-list">
            {candidates.map((ref) => (
              <li key={ref}>
                <Link href={entityPath(ref)} className="entity-link">
                  {shortRef(ref)}
                </Link>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

/** A message of the server as a sentence. What begins with a name, such as a ref or a field, keeps it as it is. */
export function sentence(message: string): string {
  const text = /^[a-z]+[ ,]/.test(message) ? message.charAt(0).toUpperCase() + message.slice(1) : message;
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** The button below a list that is not shown to its end. */
export function More({
  shown,
  total,
  more,
  busy,
}: {
  shown: number;
  total: number;
  more: (() => void) | null;
  busy: boolean;
}) {
  if (more === null) return null;
  return (
    <p className="more">
      <button type="button" className="button" onClick={more} disabled={busy}>
        {busy ? "Loading …" : "Show more"}
      </button>
      <span className="quiet">
        {shown.toLocaleString("en")} of {total.toLocaleString("en")}
      </span>
    </p>
  );
}
