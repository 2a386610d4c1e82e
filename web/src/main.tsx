import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { newQueryClient } from "./api/hooks";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/pages.css";
import "./styles/running.css";
import "./styles/traffic.css";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App client={newQueryClient()} />
    </StrictMode>,
  );
}
