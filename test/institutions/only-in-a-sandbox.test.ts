import { startAssent } from '../support/start-assent.js';

const institutions = [
  {
    id: 'old-mill',
    name: 'Old Mill Bank',
    kind: 'legacy' as const,
    connector: { type: 'simulated-legacy' as const, url: 'https://mill.example.com' },
  },
];

test('a made-up bank is met only where the program that starts Assent says so', async () => {
  await expect(startAssent({ institutions })).rejects.toThrow(
    'The institution old-mill has the connector simulated-legacy, a made-up bank that only the sandbox can start with; remove it from the configuration',
  );

  const assent = await startAssent({ institutions }, { simulatedInstitutions: true });
  const list = await assent.fetch('/oidc/.well-known/legacy-connections');
  expect(await list.json()).toMatchObject([{ id: 'old-mill', type: 'legacy' }]);
  await assent.stop();
});
