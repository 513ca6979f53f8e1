// What the dashboard uses of lit 3; the whole declarations span several packages.

export interface TemplateResult {
  readonly strings: TemplateStringsArray;
  readonly values: unknown[];
}

export declare function html(strings: TemplateStringsArray, ...values: unknown[]): TemplateResult;
export declare function svg(strings: TemplateStringsArray, ...values: unknown[]): TemplateResult;
export declare const nothing: unique symbol;
export declare function render(value: unknown, container: HTMLElement): unknown;

export declare class LitElement extends HTMLElement {
  static properties: Record<string, { state?: boolean }>;
  readonly updateComplete: Promise<boolean>;
  readonly isUpdatePending: boolean;
  connectedCallback(): void;
  disconnectedCallback(): void;
  createRenderRoot(): HTMLElement | DocumentFragment;
  requestUpdate(): void;
  protected willUpdate(changed: Map<string, unknown>): void;
  protected firstUpdated(changed: Map<string, unknown>): void;
  protected updated(changed: Map<string, unknown>): void;
  protected render(): unknown;
}
