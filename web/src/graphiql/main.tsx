import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "./graphiql.css";
import { examples } from "./examples";

const fetcher = createGraphiQLFetcher({ url: "/graphql" });
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <GraphiQL fetcher={fetcher} defaultTabs={[...examples]}>
      <GraphiQL.Logo>
        <a className="home" href="/">
          Back to Orrery
        </a>
      </GraphiQL.Logo>
    </GraphiQL>,
  );
}
