import type { ComponentChildren } from 'preact';
import { Card } from './card.js';
import { CodeBlock, JsonBlock } from './code-block.js';
import { Disclosure } from './disclosure.js';
import { Tag } from './tag.js';

type Headers = Readonly<Record<string, string>>;

/** One request and its response, for a developer to read. Bodies are text, or a value shown as JSON. */
export interface Exchange {
  readonly title: string;
  readonly explanation: string;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: Headers;
    readonly body?: unknown;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Headers;
    readonly body?: unknown;
  };
  /** JSON Web Tokens of the exchange, opened. */
  readonly decoded?: readonly DecodedToken[] | undefined;
}

export interface DecodedToken {
  readonly label: string;
  readonly header?: unknown;
  readonly payload: unknown;
}

export function ExchangeView({ of, number }: { readonly of: Exchange; readonly number: number }) {
  const { request, response, decoded = [] } = of;
  return (
    <Card
      heading={
        <span class="numbered">
          <span class="step-number">{number}</span> {of.title}
        </span>
      }
    >
      <p>{of.explanation}</p>
      <div class="side-by-side">
        <Message
          name={`Request ${number}`}
          line={<Tag>{request.method}</Tag>}
          headers={request.headers}
          url={request.url}
          body={request.body}
        />
        <Message
          name={`Response ${number}`}
          line={<Tag>{`Status ${response.status}`}</Tag>}
          headers={response.headers}
          body={response.body}
        />
      </div>
      {decoded.map(({ label, header, payload }) => (
        <div key={label} class="stack">
          <h3>{label}, decoded</h3>
          <div class="side-by-side">
            {header === undefined ? null : <JsonBlock label={`${label}: header`} value={header} />}
            <JsonBlock label={`${label}: payload`} value={payload} />
          </div>
        </div>
      ))}
    </Card>
  );
}

function Message({
  name,
  line,
  url,
  headers,
  body,
}: {
  readonly name: string;
  readonly line: ComponentChildren;
  readonly url?: string;
  readonly headers: Headers;
  readonly body?: unknown;
}) {
  const lines = Object.entries(headers).map(([header, value]) => `${header}: ${value}`);
  return (
    <div class="message">
      <h3>
        {name} {line}
      </h3>
      {url === undefined ? null : <CodeBlock label={`${name}: address`} text={breakUrl(url)} />}
      {lines.length === 0 ? null : (
        <Disclosure summary={<>Headers ({lines.length})</>}>
          <CodeBlock label={`${name}: headers`} text={lines.join('\n')} />
        </Disclosure>
      )}
      {body === undefined ? null : <Body label={`${name}: body`} body={body} />}
    </div>
  );
}

function Body({ label, body }: { readonly label: string; readonly body: unknown }) {
  if (typeof body !== 'string') return <JsonBlock label={label} value={body} />;
  const isForm = /^[\w.~%+-]+=[^\s]*$/.test(body);
  return <CodeBlock label={label} text={isForm ? body.replaceAll('&', '\n&') : body} />;
}

/** Each query parameter on a line of its own. */
function breakUrl(url: string): string {
  return url.replace('?', '\n?').replaceAll('&', '\n&');
}
