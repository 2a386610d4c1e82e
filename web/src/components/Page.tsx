import { createContext, useContext, useEffect, useRef, type ReactNode, type RefObject } from "react";

/** Whether somebody has navigated inside the application since it was opened. */
export const Navigated = createContext<RefObject<boolean>>({ current: false });

/** The frame of a page: its name in the window's title and as its heading, which takes the focus after a navigation. */
export function Page({
  title,
  heading,
  focus = true,
  children,
}: {
  title: string;
  heading?: ReactNode;
  focus?: boolean;
  children: ReactNode;
}) {
  const top = useRef<HTMLHeadingElement>(null);
  const navigatedRef = useContext(Navigated);
  useEffect(() => {
    document.title = title === "" ? "Orrery" : `${title} · Orrery`;
  }, [title]);
  useEffect(() => {
    if (navigatedRef.current) {
      window.scrollTo(0, 0);
      if (focus) top.current?.focus({ preventScroll: true });
    }
    navigatedRef.current = true;
  }, [navigatedRef, focus]);
  return (
    <>
      <h1 ref={top} tabIndex={-1}>
        {heading ?? title}
      </h1>
      {children}
    </>
  );
}
