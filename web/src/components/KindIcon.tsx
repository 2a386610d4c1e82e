const shapes: Record<string, string> = {
  component: "M3 5.5 8 3l5 2.5v5L8 13l-5-2.5z M3 5.5 8 8l5-2.5 M8 8v5",
  api: "M6 4 2.5 8 6 12 M10 4l3.5 4L10 12",
  resource: "M3 4.5c0-1 2.2-1.8 5-1.8s5 .8 5 1.8-2.2 1.8-5 1.8-5-.8-5-1.8z M3 4.5v7c0 1 2.2 1.8 5 1.8s5-.8 5-1.8v-7",
  journey: "M3 12.5h6.5a2.2 2.2 0 0 0 0-4.4h-3a2.2 2.2 0 0 1 0-4.4H13 M11 1.8 13 3.7 11 5.6",
  system: "M2.5 2.5h4.5v4.5H2.5z M9 2.5h4.5v4.5H9z M2.5 9h4.5v4.5H2.5z M9 9h4.5v4.5H9z",
  domain: "M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2z M2.2 8h11.6",
  group: "M5.8 7.3a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z M2 13c0-2.3 1.6-3.8 3.8-3.8S9.6 10.700 9.600 13 M10.500 3.100a2.200 2.200 0 0 1 0 4.200 M11 9.300c1.800.2 3 1.600 3 3.700",
  user: "M8 7.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z M3.500 13.500c0-2.600 1.900-4.300 4.500-4.300s4.500 1.700 4.500 4.300",
  workload: "M2.5 4.5h8v8h-8z M5.5 4.500v-3h8v8h-3",
  node: "M2.500 3h11v4h-11z M2.500 9h11v4h-11z M5 5h.01 M5 11h.01",
  zone: "M8 14s4.500-4.300 4.500-7.500a4.500 4.500 0 0 0-9 0C3.500 9.700 8 14 8 14z M8 8.200a1.700 1.700 0 1 0 0-3.400 1.700 1.700 0 0 0 0 3.400z",
  cluster: "M8 6a2 2 0 1 0 0-4 2 2 0 0 0 0 4z M3.800 14a2 2 0 1 0 0-4 2 2 0 0 0 0 4z M12.200 14a2 2 0 1 0 0-4 2 2 0 0 0 0 4z M7 5.800 4.800 10 M9 5.800l2.200 4.200 M5.800 12h4.400",
  external: "M6.500 3H3v10h10V9.500 M9 2.500h4.500V7 M13.500 2.500 7.500 8.500",
};

const other = "M8 2.500 13.500 8 8 13.500 2.500 8z";

/** A small picture for a kind; its name follows for those who cannot see it. */
export function KindIcon({ kind }: { kind: string }) {
  return (
    <svg className="kind-icon" viewBox="0 0 16 16" role="img" aria-label={kind}>
      <path d={shapes[kind.toLowerCase()] ?? other} />
    </svg>
  );
}
