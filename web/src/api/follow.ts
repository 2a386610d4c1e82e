import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { Follow } from "./generated";

/** At most this often is what a page shows asked for anew, however often the catalog changes. */
const pause = 2_000;

/** After the server has ended the stream, or refused it, it is asked again. */
const again = 15_000;

/** useFollow asks anew for what is shown as soon as the catalog has changed, while the window is visible. */
export function useFollow() {
  const client = useQueryClient();
  useEffect(() => {
    if (typeof EventSource === "undefined") return; // pages then show what was true when they were opened
    let stream: EventSource | null = null;
    let reopen: ReturnType<typeof setTimeout> | undefined;
    let refresh: ReturnType<typeof setTimeout> | undefined;

    function changed() {
      refresh ??= setTimeout(() => {
        refresh = undefined;
        void client.invalidateQueries();
      }, pause);
    }
    function close() {
      stream?.close();
      stream = null;
      clearTimeout(reopen);
    }
    function open() {
      close();
      stream = new EventSource(`/graphql?query=${encodeURIComponent(Follow.text)}&operationName=${Follow.name}`);
      stream.addEventListener("next", changed);
      stream.addEventListener("complete", later);
      stream.addEventListener("error", () => {
        if (stream?.readyState === EventSource.CLOSED) later(); // otherwise the browser connects again by itself
      });
    }
    function later() {
      close();
      reopen = setTimeout(open, again);
    }
    function onVisibility() {
      if (document.hidden) {
        close();
      } else if (stream === null) {
        open();
        changed(); // something may have happened meanwhile
      }
    }
    if (!document.hidden) open();
    document.addEventListener("visibilitychange", onVisibility);
    return () => {
      document.removeEventListener("visibilitychange", onVisibility);
      close();
      clearTimeout(refresh);
    };
  }, [client]);
}
