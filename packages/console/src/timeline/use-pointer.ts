import { type RefObject, useEffect, useRef } from 'react';
import { rulerPx } from './draw.ts';
import { panView, type Stretch, type TimeView, xToTime, zoomView } from './geometry.ts';

/** What pointers do to a timeline. */
export interface PointerActions {
  readonly day: Stretch;
  readonly view: TimeView;
  onView(view: TimeView): void;
  onHover(ms: number | null): void;
  /** While it is dragged; null when it is let go. */
  onDrag(ms: number | null): void;
  onPick(ms: number): void;
}

/** The finger or button that moves, and what it does: the track is scrubbed, the ruler is pulled along. */
interface Held {
  x: number;
  readonly pulls: boolean;
}

/** Wheel zooms (sideways or with Shift it moves), two fingers zoom and move, one finger or the mouse scrubs; the ruler can be pulled. */
export function usePointer(box: RefObject<HTMLElement | null>, actions: PointerActions): void {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const control = new AbortController();
    const gestures = new Gestures(element, latest);
    const options = { signal: control.signal };
    element.addEventListener('wheel', gestures.wheel, { ...options, passive: false });
    element.addEventListener('pointerdown', gestures.down, options);
    element.addEventListener('pointermove', gestures.move, options);
    element.addEventListener('pointerup', gestures.up, options);
    element.addEventListener('pointercancel', gestures.cancel, options);
    element.addEventListener('pointerleave', () => latest.current.onHover(null), options);
    return () => control.abort();
  }, [box]);
}

class Gestures {
  private readonly element: HTMLElement;
  private readonly actions: RefObject<PointerActions>;
  private readonly held = new Map<number, Held>();

  constructor(element: HTMLElement, actions: RefObject<PointerActions>) {
    this.element = element;
    this.actions = actions;
  }

  readonly wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const { day, view, onView } = this.actions.current;
    const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    const delta = sideways && event.deltaX !== 0 ? event.deltaX : event.deltaY;
    if (sideways) onView(panView(view, day, (delta / this.width()) * (view.endMs - view.startMs)));
    else onView(zoomView(view, day, { factor: Math.exp(-delta / 300), anchorMs: this.time(event.clientX) }));
  };

  readonly down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    this.element.setPointerCapture(event.pointerId);
    const top = event.clientY - this.element.getBoundingClientRect().top;
    this.held.set(event.pointerId, { x: event.clientX, pulls: top < rulerPx });
    if (this.held.size > 1) this.actions.current.onDrag(null);
    else if (top >= rulerPx) this.actions.current.onDrag(this.time(event.clientX));
  };

  readonly move = (event: PointerEvent): void => {
    const held = this.held.get(event.pointerId);
    if (!held) {
      if (event.pointerType === 'mouse') this.actions.current.onHover(this.time(event.clientX));
      return;
    }
    if (this.held.size === 2) this.pinch(event, held);
    else if (held.pulls) this.pull(event, held);
    else this.actions.current.onDrag(this.time(event.clientX));
  };

  readonly up = (event: PointerEvent): void => {
    const held = this.held.get(event.pointerId);
    const alone = this.held.size === 1;
    this.held.delete(event.pointerId);
    this.actions.current.onDrag(null);
    if (held && alone && !held.pulls) this.actions.current.onPick(this.time(event.clientX));
    // What is left of a pinch is not a scrub.
    for (const [id, other] of this.held) this.held.set(id, { x: other.x, pulls: true });
  };

  readonly cancel = (event: PointerEvent): void => {
    this.held.delete(event.pointerId);
    this.actions.current.onDrag(null);
  };

  private pull(event: PointerEvent, held: Held): void {
    const { day, view, onView } = this.actions.current;
    onView(panView(view, day, ((held.x - event.clientX) / this.width()) * (view.endMs - view.startMs)));
    held.x = event.clientX;
  }

  private pinch(event: PointerEvent, held: Held): void {
    const other = [...this.held.values()].find((pointer) => pointer !== held);
    if (!other) return;
    const { day, view, onView } = this.actions.current;
    const before = Math.max(20, Math.abs(held.x - other.x));
    const after = Math.max(20, Math.abs(event.clientX - other.x));
    const middle = (event.clientX + other.x) / 2;
    const zoomed = zoomView(view, day, { factor: after / before, anchorMs: this.time((held.x + other.x) / 2) });
    const moved = ((held.x + other.x) / 2 - middle) / this.width();
    onView(panView(zoomed, day, moved * (zoomed.endMs - zoomed.startMs)));
    held.x = event.clientX;
  }

  private width(): number {
    return Math.max(1, this.element.clientWidth);
  }

  private time(clientX: number): number {
    const left = this.element.getBoundingClientRect().left;
    return xToTime(this.actions.current.view, this.width(), clientX - left);
  }
}
