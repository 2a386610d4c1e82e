import { Component, type ReactNode } from "react";

/** Shows what a page that broke says, in place of an empty window. The rest of the application goes on. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <div className="notice notice-bad" role="alert">
        <h1>This page broke</h1>
        <p>
          It is a mistake of ours, not of yours: <code>{error.message}</code>
        </p>
        <button type="button" className="button" onClick={() => window.location.reload()}>
          Load it again
        </button>
      </div>
    );
  }
}
