import { configure } from "@testing-library/react";

// A machine that builds a Kubernetes meanwhile shows a page late; that is no failure.
configure({ asyncUtilTimeout: 20_000 });
