import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { ask } from "../api/client";
import { useStoreState } from "../api/freshness";
import { Freshness } from "../api/generated";
import { moment } from "../words";

/** How often the server is asked whether what is shown may be old, and whether it still may be, in milliseconds. */
const whileNew = 30_000;
const whileOld = 5_000;

/** Says when what is shown may be old, because the server does not reach its store, until it does again. */
export function OldData() {
  const client = useQueryClient();
  const store = useStoreState();
  const old = store !== null;
  const wasOldRef = useRef(false);
  useEffect(() => {
    if (wasOldRef.current && !old) void client.invalidateQueries();
    wasOldRef.current = old;
    const timer = setInterval(
      () => {
        // Whatever keeps it from answering is told by the page, when it asks for what it shows.
        if (!document.hidden) void ask(Freshness, {}).catch(() => {});
      },
      old ? whileOld : whileNew,
    );
    return () => clearInterval(timer);
  }, [client, old]);
  return (
    <div role="status" className="old-data-place">
      {store && (
        <div className="old-data">
          <div>
            <p>
              <strong>This may be old.</strong> The server does not reach its store.{" "}
              {store.confirmed !== null && (
                <>
                  You see the catalog as it was at <time dateTime={store.confirmed}>{moment(store.confirmed)}</time>.{" "}
                </>
              )}
              It will catch up by itself.
            </p>
            {store.reason !== "" && (
              <details>
                <summary>Why</summary>
                <p>{store.reason}</p>
              </details>
            )}
          </div>
        </div>
      )}
    </div>
  );
}
