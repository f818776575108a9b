import { lexer, type MarkedToken, type Token, type Tokens } from 'marked';
import { Fragment, type ReactNode } from 'react';
import styles from './markdown.module.css';

/**
 * A text that a stranger wrote in Markdown. It is parsed, and shown by elements of this app only: HTML in it stays text,
 * links lead to the web or to an address of mail, and pictures are links, since loading one tells its owner who reads what.
 */
export const Markdown = ({ text }: { text: string }) => (
  <div className={styles.markdown}>
    <All tokens={lexer(text)} />
  </div>
);

const All = ({ tokens = [] }: { tokens: Token[] | undefined }) =>
  tokens.map((token, index) => <Fragment key={index}>{elementOf(token as MarkedToken)}</Fragment>);

function elementOf(token: MarkedToken): ReactNode {
  switch (token.type) {
    case 'heading':
      // A model's headings are below those of the page.
      return token.depth === 1 ? <h3>{children(token)}</h3> : <h4>{children(token)}</h4>;
    case 'paragraph':
      return <p>{children(token)}</p>;
    case 'blockquote':
      return <blockquote>{children(token)}</blockquote>;
    case 'list':
      return listOf(token);
    case 'table':
      return tableOf(token);
    case 'code':
      return (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: long lines must be scrollable by keyboard.
        <pre tabIndex={0}>
          <code>{token.text}</code>
        </pre>
      );
    case 'hr':
      return <hr />;
    case 'space':
    case 'def':
    case 'checkbox':
      return null;
    case 'strong':
      return <strong>{children(token)}</strong>;
    case 'em':
      return <em>{children(token)}</em>;
    case 'del':
      return <del>{children(token)}</del>;
    case 'codespan':
      return <code>{token.text}</code>;
    case 'br':
      return <br />;
    case 'link':
      return linkOf(token.href, children(token));
    case 'image':
      return linkOf(token.href, token.text || token.href);
    case 'text':
      return token.tokens ? children(token) : token.text;
    case 'escape':
      return token.text;
    default:
      return token.raw;
  }
}

const children = ({ tokens }: { tokens?: Token[] | undefined }) => <All tokens={tokens} />;

function linkOf(href: string, content: ReactNode): ReactNode {
  if (!/^(https?:\/\/|mailto:)/i.test(href)) return content;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener nofollow">
      {content}
    </a>
  );
}

function listOf({ ordered, start, items }: Tokens.List): ReactNode {
  const all = items.map((item, index) => (
    <li key={index}>
      {item.task ? (item.checked ? '☑ ' : '☐ ') : null}
      {children(item)}
    </li>
  ));
  return ordered ? <ol start={typeof start === 'number' ? start : 1}>{all}</ol> : <ul>{all}</ul>;
}

const tableOf = ({ header, rows }: Tokens.Table): ReactNode => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: wide tables must be scrollable by keyboard.
  <section className={styles.scroll} tabIndex={0} aria-label="Table">
    <table>
      <thead>
        <tr>
          {header.map((cell, column) => (
            <th key={column} scope="col">
              {children(cell)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, line) => (
          <tr key={line}>
            {row.map((cell, column) => (
              <td key={column}>{children(cell)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);
