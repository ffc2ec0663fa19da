// An OpenID provider as others have written it (oidc-provider), started by oidc_provider.rs with its settings as the one argument, in JSON. Says its
// issuer on the first line once it listens, and ends when its input does.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { generateKeyPairSync } from 'node:crypto';

const settings = JSON.parse(process.argv[2]);
const { default: Provider } = await import(`${process.env.OIDC_PROVIDER_MODULES}/oidc-provider/lib/index.js`);

const signingKey = (kid) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
};

const server = createServer({ key: readFileSync(settings.tls_key), cert: readFileSync(settings.tls_certificate) });
server.listen(settings.port, '127.0.0.1', () => {
  const issuer = `https://localhost:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ redirect_uris: [settings.redirect_uri], id_token_signed_response_alg: 'ES256', ...settings.client }],
    jwks: { keys: [signingKey(settings.kid)] },
    cookies: { keys: ['of this test alone'] },
    scopes: ['openid', 'person'],
    claims: { openid: ['sub'], person: ['drfocode', 'edrpoucode'] },
    // Whether claims of scopes stand at the user-info endpoint alone (OpenID Connect Core, 5.4), or in the ID token too.
    conformIdTokenClaims: settings.user_info,
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, drfocode: settings.rnokpp, edrpoucode: '' }) }),
  });
  server.on('request', provider.callback());
  console.log(issuer);
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
