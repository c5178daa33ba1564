import { useEffect } from 'react';
import { brand } from '../pages/entry-frame.tsx';

/** The heading of a page, which also names the tab of the browser and the entry in its history. */
export function PageTitle({ children }: { children: string }) {
  useEffect(() => {
    document.title = `${children} · ${brand}`;
    return () => {
      document.title = brand;
    };
  }, [children]);
  return <h1 title={children}>{children}</h1>;
}
