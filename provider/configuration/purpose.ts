import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { profileOf } from '../profiles/profiles.js';

/** Of characters, as Unicode counts them. */
const shortest = 3;
const longest = 300;
const visible = /[^\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u;

/**
 * `purpose` of authorization requests (ConnectID, OAuth 2.0 Purpose): why the person is asked, which their
 * page shows. Of a client whose profile knows no such parameter it is nothing (RFC 6749 §3.1).
 */
export const purposeParameter = {
  purpose(_ctx: KoaContextWithOIDC, value: unknown, client: Client): void {
    if (value === undefined || !profileOf(client).statesPurpose) return;
    const text = String(value);
    const length = Array.from(text).length;
    if (length >= shortest && length <= longest && visible.test(text)) return;
    throw new errors.InvalidRequest(
      `purpose must have ${shortest} to ${longest} characters that people can read`,
    );
  },
};
