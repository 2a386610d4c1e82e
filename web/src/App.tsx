import { QueryClientProvider, type QueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { usePathname } from "wouter/use-browser-location";
import { Lookup } from "./components/Lookup";
import { OldData } from "./components/OldData";
import { Navigated, Page } from "./components/Page";
import { Boundary } from "./components/Boundary";
import { BlastPage } from "./pages/Blast";
import { useFollow } from "./api/follow";
import { ChangesPage } from "./pages/Changes";
import { CyclesPage } from "./pages/Cycles";
import { Entities } from "./pages/Entities";
import { DriftPage } from "./pages/Drift";
import { EntityPage } from "./pages/Entity";
import { HealthPage } from "./pages/Health";
import { ProblemsPage } from "./pages/Problems";
import { SearchPage } from "./pages/Search";
import { SourcesPage } from "./pages/Sources";
import { Start } from "./pages/Start";
import { refOfPath } from "./refs";

export function App({ client }: { client: QueryClient }) {
  const navigatedRef = useRef(false);
  const [location] = useLocation();
  return (
    <QueryClientProvider client={client}>
      <Navigated value={navigatedRef}>
        <Following />
        <a className="skip" href="#main">
          Skip to the content
        </a>
        <header className="top">
          <div className="top-inner">
            <Link href="/" className="brand">
              <img src="/favicon.svg" alt="" width="26" height="26" /> Orrery
            </Link>
            <nav aria-label="Main">
              <NavLink href="/entities">Catalog</NavLink>
              <NavLink href="/blast-radius">Blast radius</NavLink>
              <NavLink href="/health">Health</NavLink>
              <NavLink href="/drift">Drift</NavLink>
              <NavLink href="/changes">Changes</NavLink>
              <NavLink href="/problems">Problems</NavLink>
              <NavLink href="/sources">Sources</NavLink>
              <a href="/graphiql">API</a>
            </nav>
            {location !== "/" && <Lookup key={location} label="Look up anything" placeholder="Look up …" shortcut />}
          </div>
        </header>
        <OldData />
        <main id="main">
          <Boundary key={location}>
            <Pages />
          </Boundary>
        </main>
      </Navigated>
    </QueryClientProvider>
  );
}

/** Keeps what is shown up to date. */
function Following() {
  useFollow();
  return null;
}

function Pages() {
  return (
    <Switch>
      <Route path="/" component={Start} />
      <Route path="/entities" component={Entities} />
      <Route path="/entity/*" component={EntityRoute} />
      <Route path="/search" component={SearchPage} />
      <Route path="/blast-radius" component={BlastPage} />
      <Route path="/health" component={HealthPage} />
      <Route path="/drift" component={DriftPage} />
      <Route path="/problems" component={ProblemsPage} />
      <Route path="/cycles" component={CyclesPage} />
      <Route path="/changes" component={ChangesPage} />
      <Route path="/sources" component={SourcesPage} />
      <Route component={Nowhere} />
    </Switch>
  );
}

/** The address is read as the browser has it, for a name may hold an encoded slash. */
function EntityRoute() {
  const ref = refOfPath(usePathname());
  return ref === null ? <Nowhere /> : <EntityPage key={ref} of={ref} />;
}

function Nowhere() {
  return (
    <Page title="There is no such page">
      <p>
        Nothing of ours has this address. <Link href="/">Look something up</Link> or{" "}
        <Link href="/entities">see the whole catalog</Link>.
      </p>
    </Page>
  );
}

function NavLink({ href, children }: { href: string; children: string }) {
  const [location] = useLocation();
  return (
    <Link href={href} aria-current={location === href ? "page" : undefined}>
      {children}
    </Link>
  );
}
