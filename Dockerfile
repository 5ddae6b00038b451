# Built with all dependencies, run with those of production only.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npx tsc -p tsconfig.build.json --declaration false \
 && cp -r consent-ui/assets dist/consent-ui/

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
# /etc/assent holds the configuration, /data what must last; nothing else is written.
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
EXPOSE 3000 3001
# Any answer over TLS is a sign of life: which names it answers to is for the configuration to say.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "-e", "require('node:https').get({ port: process.env.ASSENT_LISTEN__BROWSER__PORT ?? 3000, path: '/oidc/.well-known/openid-configuration', rejectUnauthorized: false }, (answer) => process.exit(answer.statusCode < 500 ? 0 : 1)).on('error', () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "dist/main.js"]
CMD ["--config", "/etc/assent/assent.json"]
