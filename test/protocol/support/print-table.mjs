/** A Jest reporter: for each plan and variant, how many rows passed, failed, and do not apply. */
// biome-ignore lint/style/noDefaultExport: Jest takes no other.
export default class PrintTable {
  onRunComplete(_contexts, { testResults }) {
    const lines = new Map();
    for (const { testResults: rows } of testResults) {
      for (const { ancestorTitles, status } of rows) {
        const [plan, variant] = ancestorTitles;
        if (variant === undefined) continue;
        const line = lines.get(`${plan} ${variant}`) ?? {
          plan,
          variant,
          passed: 0,
          failed: 0,
          na: 0,
        };
        if (status === 'passed') line.passed += 1;
        else if (status === 'failed') line.failed += 1;
        else line.na += 1;
        lines.set(`${plan} ${variant}`, line);
      }
    }
    const sorted = [...lines.values()].sort((one, other) => one.plan.localeCompare(other.plan));
    const heading = ['plan', 'variant', 'passed', 'failed', 'not applicable'];
    const cells = sorted.map((line) => [
      line.plan,
      line.variant,
      line.passed,
      line.failed,
      line.na,
    ]);
    const totals = [2, 3, 4].map((column) => cells.reduce((sum, row) => sum + row[column], 0));
    print([heading, ...cells, ['all', '', ...totals]]);
  }
}

function print(rows) {
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.map((row) => String(row[column]).length)),
  );
  for (const row of rows) {
    const padded = row.map((cell, column) =>
      column < 2 ? String(cell).padEnd(widths[column]) : String(cell).padStart(widths[column]),
    );
    process.stdout.write(`${padded.join('  ').trimEnd()}\n`);
  }
}
