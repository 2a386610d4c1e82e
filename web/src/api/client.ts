import { noteStore } from "./freshness";
import type { Operation } from "./generated";

/** The server answered, and the answer is an error. */
export class AnswerError extends Error {
  constructor(
    message: string,
    /** NOT_FOUND, BAD_INPUT, TOO_COMPLEX, UNAVAILABLE, or another word of the server. */
    readonly code: string,
    /** Refs that may have been meant, best first. */
    readonly candidates: readonly string[],
  ) {
    super(message);
    this.name = "AnswerError";
  }
}

/** The server could not be reached, or what came back is not from it. */
export class AwayError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "AwayError";
  }
}

interface Answer<Result> {
  data?: Result | null;
  errors?: { message: string; extensions?: { code?: unknown; candidates?: unknown } }[];
  extensions?: { store?: unknown };
}

/** Asks the server. It throws an AnswerError or AwayError; an answer with any error in it counts as an error. */
export async function ask<Result, Variables>(
  operation: Operation<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Result> {
  let response: Response;
  try {
    response = await fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/graphql-response+json, application/json" },
      body: JSON.stringify({ query: operation.text, operationName: operation.name, variables }),
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new AwayError("The server cannot be reached.");
  }
  let answer: Answer<Result>;
  try {
    answer = (await response.json()) as Answer<Result>;
  } catch {
    throw new AwayError(`The server answered with status ${response.status} and nothing that can be read.`);
  }
  if (answer.extensions) noteStore(answer.extensions.store);
  const [first] = answer.errors ?? [];
  if (first) {
    const { code, candidates } = first.extensions ?? {};
    throw new AnswerError(
      first.message,
      typeof code === "string" ? code : "UNKNOWN",
      Array.isArray(candidates) ? candidates.filter((c) => typeof c === "string") : [],
    );
  }
  if (!answer.data) throw new AwayError(`The server answered with status ${response.status} and no data.`);
  return answer.data;
}
