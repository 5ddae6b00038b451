/** Loaded into a child process before its script: Node runs the sources, whose imports say `.js`. */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, nextResolve) {
    const isSource = context.parentURL?.endsWith('.ts') && specifier.startsWith('.');
    return nextResolve(isSource ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});
