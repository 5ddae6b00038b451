import { writeFile } from 'node:fs/promises';
import { describeSettings } from './describe-settings.js';

// `npm run docs`: brings the reference up to the schema.
await writeFile('docs/configuration.md', describeSettings());
