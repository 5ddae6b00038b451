// A second Assent in a process of its own: takes a configuration, says when it listens.
import { createAssent } from '../../../dist/create-assent.js';

process.once('message', async (configuration) => {
  const assent = await createAssent({ configuration });
  await assent.start();
  process.on('SIGTERM', async () => {
    await assent.stop();
    process.disconnect();
  });
  process.send('ready');
});
