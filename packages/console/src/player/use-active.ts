import { type RefObject, useEffect, useState } from 'react';

/** How long something may be out of sight before its player is stopped; scrolling past costs nothing. */
const graceMs = 2000;

/** True while an element is on the screen of a visible page. */
export function useActive(element: RefObject<HTMLElement | null>): boolean {
  const [active, setActive] = useState(false);
  useEffect(() => {
    const target = element.current;
    if (!target) return;
    let onScreen = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const decide = () => {
      clearTimeout(timer);
      const wanted = onScreen && !document.hidden;
      if (wanted) setActive(true);
      else timer = setTimeout(() => setActive(false), graceMs);
    };
    const observer = new IntersectionObserver(
      (entries) => {
        onScreen = entries.some((entry) => entry.isIntersecting);
        decide();
      },
      { rootMargin: '120px' },
    );
    observer.observe(target);
    document.addEventListener('visibilitychange', decide);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      document.removeEventListener('visibilitychange', decide);
    };
  }, [element]);
  return active;
}
