import type { ComponentChildren } from 'preact';
import { ScrollArea } from './scroll-area.js';

export interface Column<Row> {
  readonly heading: string;
  readonly numeric?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
}

/** A table that scrolls sideways on its own where the screen is narrow. */
export function DataTable<Row extends { readonly id: string }>({
  caption,
  columns,
  rows,
}: {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
}) {
  const look = (column: Column<Row>) => (column.numeric ? 'numeric' : undefined);
  return (
    <ScrollArea label={caption}>
      <table>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.heading} scope="col" class={look(column)}>
                {column.heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              {columns.map((column) => (
                <td key={column.heading} class={look(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollArea>
  );
}
