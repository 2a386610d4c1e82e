import { Link } from "wouter";
import type { NameFragment } from "../api/generated";
import { entityPath } from "../refs";
import { KindIcon } from "./KindIcon";

/** An entity by its name for people, as a link to its page. What nobody describes is marked. */
export function EntityLink({ entity, plain = false }: { entity: NameFragment; plain?: boolean }) {
  return (
    <Link href={entityPath(entity.ref)} className="entity-link" title={entity.ref}>
      {!plain && <KindIcon kind={entity.kind} />}
      <span>{displayName(entity)}</span>
      {entity.placeholder && <span className="tag tag-quiet">not described</span>}
    </Link>
  );
}

/** The name to show for an entity. That of a workload, `cluster.kind.name`, is shown without its cluster and kind. */
export function displayName(entity: Pick<NameFragment, "kind" | "title" | "profile" | "name">): string {
  const name = entity.title ?? entity.profile?.displayName ?? entity.name;
  if (entity.kind.toLowerCase() !== "workload") return name;
  return /\.(?:deployment|statefulset|daemonset|cronjob|job|pod)\.(.+)$/.exec(name)?.[1] ?? name;
}
