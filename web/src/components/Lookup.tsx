import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { useLocation } from "wouter";
import { Search, type SearchQuery } from "../api/generated";
import { useAnswer } from "../api/hooks";
import { entityPath, shortRef } from "../refs";
import { fieldWords } from "../words";
import { displayName } from "./EntityLink";
import { KindIcon } from "./KindIcon";

type Hit = SearchQuery["search"]["nodes"][number];

interface Props {
  label: string;
  placeholder: string;
  /** Takes the focus when it appears. */
  takeFocus?: boolean;
  /** Takes the focus when `/` is pressed outside of a field. */
  shortcut?: boolean;
  large?: boolean;
  /** The only kind that is offered, in any case. */
  kind?: string;
  /** What to do with the choice; by default its page is opened. */
  onChoose?: (ref: string) => void;
  /** What to do with a text that no offer was chosen for; by default the server is asked what it means. */
  onText?: (typed: string) => void;
  /** The text at first. */
  initial?: string;
}

const offered = 8;

/** A field that offers what fits what one types, misspelt or unfinished as it may be: arrows choose, Enter opens, Escape closes. */
export function Lookup(props: Props) {
  const [typed, setTyped] = useState(props.initial ?? "");
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(0);
  const [, navigate] = useLocation();
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const text = typed.trim();
  const filter = props.kind ? { kinds: [props.kind] } : null;
  const answer = useAnswer(
    Search,
    { text, filter, first: offered },
    { enabled: open && text !== "", keepPrevious: true },
  );
  const options = text === "" ? [] : (answer.data?.search.nodes ?? []);
  const settled = !answer.isPlaceholderData && !answer.isFetching; // the options belong to what is typed
  const active = Math.min(chosen, options.length - 1);
  const listed = open && text !== "";

  useFocusOnSlash(field, props.shortcut ?? false);
  useEffect(() => {
    if (props.takeFocus) field.current?.focus();
  }, [props.takeFocus]);

  function choose(ref: string) {
    setOpen(false);
    if (props.onChoose) {
      setTyped("");
      props.onChoose(ref);
    } else {
      setTyped("");
      navigate(entityPath(ref));
    }
  }

  function submit() {
    const option = options[active];
    if (option && settled) {
      choose(option.entity.ref);
    } else if (text !== "") {
      setOpen(false);
      if (props.onText) props.onText(text);
      else navigate(`/search?q=${encodeURIComponent(text)}`);
    }
  }

  function onKeyDown(event: KeyboardEvent) {
    switch (event.key) {
      case "ArrowDown":
        setOpen(true);
        setChosen(open && options.length > 0 ? (active + 1) % options.length : 0);
        break;
      case "ArrowUp":
        setChosen(options.length > 0 ? (active - 1 + options.length) % options.length : 0);
        break;
      case "Enter":
        submit();
        break;
      case "Escape":
        if (!open) setTyped("");
        setOpen(false);
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  return (
    <div className={props.large ? "lookup lookup-large" : "lookup"} role={props.shortcut ? "search" : undefined}>
      <label htmlFor={`${id}-field`} className="visually-hidden">
        {props.label}
      </label>
      <svg className="lookup-icon" viewBox="0 0 16 16" aria-hidden="true">
        <path d="M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10z M10.800 10.800 14 14" />
      </svg>
      <input
        ref={field}
        id={`${id}-field`}
        type="text"
        role="combobox"
        aria-expanded={listed}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={listed && options.length > 0 ? `${id}-${active}` : undefined}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        placeholder={props.placeholder}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setChosen(0);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      {props.shortcut && (
        <kbd className="lookup-key" aria-hidden="true">
          /
        </kbd>
      )}
      <div id={`${id}-list`} role="listbox" aria-label={props.label} className="lookup-list" hidden={!listed}>
        {options.map((option, i) => (
          <Option
            key={option.entity.ref}
            id={`${id}-${i}`}
            option={option}
            active={i === active}
            choose={() => choose(option.entity.ref)}
          />
        ))}
        {options.length === 0 && (
          <div className="lookup-none" role="option" aria-selected={false} aria-disabled={true}>
            {noOffer(answer.isError, settled)}
          </div>
        )}
      </div>
    </div>
  );
}

function noOffer(failed: boolean, settled: boolean): string {
  if (failed) return "The server is away";
  return settled ? "Nothing is called anything like this." : "Looking …";
}

function Option({ id, option, active, choose }: { id: string; option: Hit; active: boolean; choose: () => void }) {
  const { entity } = option;
  return (
    // The field keeps the focus and handles the keys, as the combobox pattern wants; the pointer works here.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={active}
      onMouseDown={(event) => event.preventDefault()}
      onClick={choose}
    >
      <KindIcon kind={entity.kind} />
      <span className="lookup-name">{displayName(entity)}</span>
      <span className="lookup-ref">
        {shortRef(entity.ref)}
        {["ALIAS", "TAG"].includes(option.field) && ` · ${fieldWords[option.field]} ${option.text}`}
      </span>
      {entity.owner && <span className="lookup-owner">{displayName(entity.owner)}</span>}
    </div>
  );
}

function useFocusOnSlash(field: { current: HTMLInputElement | null }, enabled: boolean) {
  useEffect(() => {
    if (!enabled) return;
    function onKey(event: globalThis.KeyboardEvent) {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as HTMLElement | null;
      if (target?.closest("input, textarea, select, [contenteditable]")) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    }
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [enabled, field]);
}
