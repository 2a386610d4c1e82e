import type { ReactNode } from "react";
import { shortRef } from "../refs";
import { Lookup } from "./Lookup";

/** A choice with its name above. */
export function Select(props: { label: string; value: string; onChange: (value: string) => void; children: ReactNode }) {
  return (
    <label className="field">
      <span className="field-label">{props.label}</span>
      <select value={props.value} onChange={(event) => props.onChange(event.target.value)}>
        {props.children}
      </select>
    </label>
  );
}

/** A value from the address that the list of choices does not hold, such as a custom kind. */
export function Other({ value, known }: { value: string | null; known: readonly string[] }) {
  return value && !known.includes(value) ? <option value={value}>{value}</option> : null;
}

/** The choices of a tier. */
export function Tiers() {
  return (
    <>
      <option value="">Any tier</option>
      <option value="1">1, most critical</option>
      <option value="2">2</option>
      <option value="3">3</option>
      <option value="4">4</option>
      <option value="0">Without a tier</option>
    </>
  );
}

/** A group to narrow to, looked up by its name; "" is any. */
export function OwnerField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <div className="field">
      <span className="field-label" aria-hidden="true">
        Owner
      </span>
      {value !== "" ? (
        <Chip label="Owner" value={value} remove={() => onChange("")} />
      ) : (
        <Lookup label="Owner" placeholder="Any owner" kind="group" onChoose={onChange} onText={onChange} />
      )}
    </div>
  );
}

/** An entity that is narrowed to, with the way back. */
export function Chip({ label, value, remove }: { label: string; value: string; remove: () => void }) {
  const name = value.includes(":") && value.includes("/") ? shortRef(value) : value;
  return (
    <button type="button" className="chip" aria-label={`${label} ${name}: remove this filter`} onClick={remove}>
      {name} <span aria-hidden="true">×</span>
    </button>
  );
}
