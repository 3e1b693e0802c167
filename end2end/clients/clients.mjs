// Other people's APNs clients, each behind the same three words: `send`, `end`, and what it is called.
// They come from npm as they are; only the address and the trusted CA are told to them.
import tls from 'node:tls';
import apn from '@parse/node-apn';
import { ApnsClient, Notification } from 'apns2';

/** What a client says of one device: `{ ok }`, or `{ ok: false, status, reason, timestamp }` (no status: no answer). */
const heard = (status, reason, timestamp) => ({ ok: false, status, reason, timestamp });

/** `@parse/node-apn`: `address`, `port` and `ca` are options of its own. */
export function nodeApn({ port, ca, account, p8 }) {
  const provider = new apn.Provider({ token: { key: p8, keyId: account.key_id, teamId: account.team_id }, address: 'localhost', port, ca, production: true });
  return {
    async send(token, { title, body, collapse, pushType = 'alert' }) {
      const note = new apn.Notification();
      note.topic = account.bundle_id;
      note.alert = { title, body };
      note.pushType = pushType;
      if (collapse) note.collapseId = collapse;
      const { sent, failed } = await provider.send(note, token);
      if (sent.length === 1) return { ok: true };
      const [first] = failed;
      return heard(first.status, first.response?.reason ?? first.error?.message, first.response?.timestamp);
    },
    end: () => provider.shutdown(),
  };
}

/**
 * `apns2`: its host is an option, its port is always 443. As a router would, connections to 443 of this machine are led to
 * the twin's port, below TLS: name check, CA, HTTP/2 and everything above stay the library's.
 */
export function apns2({ port, ca, account, p8 }) {
  leadToTwin(port, ca);
  const client = new ApnsClient({ team: account.team_id, keyId: account.key_id, signingKey: p8, defaultTopic: account.bundle_id, host: 'localhost' });
  return {
    async send(token, { title, body, collapse, pushType = 'alert' }) {
      const note = new Notification(token, { alert: { title, body }, type: pushType, collapseId: collapse });
      try {
        await client.send(note);
        return { ok: true };
      } catch (error) {
        return heard(error.statusCode, error.reason ?? error.message, error.timestamp);
      }
    },
    end: () => client.destroy(),
  };
}

const connect = tls.connect;
let twin;
function leadToTwin(port, ca) {
  twin = { port, ca };
  tls.connect = (options, ...rest) =>
    options?.host === 'localhost' && String(options.port) === '443' ? connect.call(tls, { ...options, ...twin }, ...rest) : connect.call(tls, options, ...rest);
}
