const hourMilliseconds = 3_600_000;
const dayMilliseconds = 24 * hourMilliseconds;

const dateFormat = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'long',
  timeZone: 'Europe/London',
});
const shortDateFormat = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium',
  timeZone: 'Europe/London',
});
const timeFormat = new Intl.DateTimeFormat('en-GB', {
  timeStyle: 'short',
  timeZone: 'Europe/London',
});

/** British long form in UK time: "19 February 2027". */
export function formatDate(date: Date): string {
  return dateFormat.format(date);
}

/** Short, for a column of dates: "19 Feb 2027". */
export function formatShortDate(date: Date): string {
  return shortDateFormat.format(date);
}

/** The time of day with its zone: "14:05 UK time". */
export function formatTime(date: Date): string {
  return `${timeFormat.format(date)} UK time`;
}

/** "19 February 2027 at 14:05 UK time". */
export function formatDateTime(date: Date): string {
  return `${formatDate(date)} at ${formatTime(date)}`;
}

/** How long from one moment to a later one, in whole hours up to two days and in days after. */
export function formatDuration(from: Date, until: Date): string {
  const milliseconds = Math.max(0, until.getTime() - from.getTime());
  const hours = milliseconds <= 2 * dayMilliseconds;
  const count = Math.round(milliseconds / (hours ? hourMilliseconds : dayMilliseconds));
  const unit = hours ? 'hour' : 'day';
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
