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

/** The name to show for an entity. */
export function displayName(entity: Pick<NameFragment, "title" | "profile" | "name">): string {
  return entity.title ?? entity.profile?.displayName ?? entity.name;
}
