import { keepPreviousData, QueryClient, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ask, AwayError } from "./client";
import type { Operation } from "./generated";

/** One for the whole application. Answers are shown again for 10 seconds without being asked for anew. */
export function newQueryClient() {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (failures, error) => error instanceof AwayError && failures < 1,
        networkMode: "always",
      },
    },
  });
}

/** useAnswer asks one question, and keeps what was shown while variables change only if told so. */
export function useAnswer<Result, Variables>(
  operation: Operation<Result, Variables>,
  variables: Variables,
  options: { enabled?: boolean; keepPrevious?: boolean } = {},
) {
  return useQuery<Result>({
    queryKey: [operation.name, variables],
    queryFn: ({ signal }) => ask(operation, variables, signal),
    enabled: options.enabled ?? true,
    ...(options.keepPrevious ? { placeholderData: keepPreviousData as never } : {}),
  });
}

/** What every page of a list has. */
export interface Page<Node> {
  readonly totalCount: number;
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  readonly nodes: readonly Node[];
}

/** usePages reads a list page by page; pick finds the list in the answer. What was shown stays while variables change only if told so. */
export function usePages<Result, Variables extends { after: string | null }, Node>(
  operation: Operation<Result, Variables>,
  variables: Omit<Variables, "after">,
  pick: (answer: Result) => Page<Node> | null | undefined,
  options: { enabled?: boolean; keepPrevious?: boolean } = {},
) {
  const query = useInfiniteQuery({
    enabled: options.enabled ?? true,
    queryKey: [operation.name, "pages", variables],
    queryFn: ({ signal, pageParam }) => ask(operation, { ...variables, after: pageParam } as Variables, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last: Result) => {
      const page = pick(last);
      return page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    },
    ...(options.keepPrevious ? { placeholderData: keepPreviousData as never } : {}),
  });
  const pages = query.data?.pages.map(pick) ?? [];
  return {
    ...query,
    nodes: pages.flatMap((page) => page?.nodes ?? []),
    totalCount: pages[0]?.totalCount ?? 0,
  };
}
