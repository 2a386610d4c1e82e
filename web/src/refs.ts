/** The parts of a ref `kind:namespace/name`. A name may hold any character, so only the first `:` and `/` divide. */
export function splitRef(ref: string): { kind: string; namespace: string; name: string } {
  const colon = ref.indexOf(":");
  const slash = ref.indexOf("/", colon);
  return { kind: ref.slice(0, colon), namespace: ref.slice(colon + 1, slash), name: ref.slice(slash + 1) };
}

/** The shortest form of a ref that a person would say: without the default namespace. */
export function shortRef(ref: string): string {
  const { kind, namespace, name } = splitRef(ref);
  return namespace === "default" ? `${kind}:${name}` : ref;
}

/** The address of an entity's page. */
export function entityPath(ref: string): string {
  const { kind, namespace, name } = splitRef(ref);
  return `/entity/${[kind, namespace, name].map(encodeURIComponent).join("/")}`;
}

/** The ref that an address of entityPath stands for; null where it is none. */
export function refOfPath(pathname: string): string | null {
  const [, first, ...parts] = pathname.split("/");
  if (first !== "entity" || parts.length !== 3 || parts.some((part) => part === "")) return null;
  try {
    const [kind, namespace, name] = parts.map(decodeURIComponent);
    return `${kind}:${namespace}/${name}`.toLowerCase();
  } catch {
    return null; // a stray %
  }
}

/** The address of the blast radius of some entities failing together. */
export function blastPath(refs: readonly string[]): string {
  return `/blast-radius?${refs.map((ref) => `of=${encodeURIComponent(ref)}`).join("&")}`;
}

/** The address of a list of entities; empty values are left out. */
export function entitiesPath(filter: Record<string, string>): string {
  const set = Object.entries(filter).filter(([, value]) => value !== "");
  return set.length === 0 ? "/entities" : `/entities?${new URLSearchParams(set).toString()}`;
}

/** The address of a list of changes; `since: ""` is as far back as is kept. */
export function changesPath(filter: Record<string, string>): string {
  return `/changes?${new URLSearchParams(filter).toString()}`;
}
