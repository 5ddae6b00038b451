/** Someone named on a page: the client that asks, or a bank. */
export interface Party {
  readonly name: string;
  /** A path on our own origin; anything else is not shown. */
  readonly logoUrl?: string | undefined;
  /** The host of the client's website, as it was verified when the client was registered. */
  readonly host?: string | undefined;
  /** How it uses what it learns (`policy_uri`), a page of its own. */
  readonly policyUrl?: string | undefined;
  /** On what terms it serves people (`tos_uri`), a page of its own. */
  readonly termsUrl?: string | undefined;
}

/** Colours a brand may choose from; each is checked for contrast in both schemes. */
export type Accent = 'indigo' | 'forest' | 'plum' | 'ember' | 'slate';

/** Whose page this is: Assent's own, or a bank's or an application's in its colours. */
export type Brand = 'assent' | (Party & { readonly accent?: Accent | undefined });

/** Where a form posts to, with the token that proves it came from our own page. */
export interface PostTarget {
  readonly action: string;
  readonly csrf: string;
}
