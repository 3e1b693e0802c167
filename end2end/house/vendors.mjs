// Invented accounts of all twelve lanes: the fields of our credential form, the simulator's account, and tokens in each vendor's form.
import { generateKeyPairSync } from 'node:crypto';

export const VENDORS = ['apns', 'fcm', 'xiaomi', 'huawei', 'harmony', 'honor', 'oppo', 'vivo', 'meizu', 'umeng', 'getui', 'jpush'];
export const FLOOR = ['umeng', 'getui', 'jpush'];
const PEM = { type: 'pkcs8', format: 'pem' };
const P8 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(PEM);
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(PEM);

const google = { type: 'service_account', project_id: 'journey-shop', private_key_id: 'kid-1', private_key: RSA,
  client_email: 'push@journey-shop.example.com', token_uri: 'https://oauth2.googleapis.com/token' };
const huawei = { project_id: '460000000000000002', key_id: 'kid-1', private_key: RSA, sub_account: '100000002' };

/** By vendor: name of the field -> value. Empty ones may stay empty. */
export const CREDENTIALS = {
  apns: { team_id: 'TEAM123456', key_id: 'KEY1234567', bundle_id: 'com.example.shop', p8: P8 },
  fcm: { service_account: JSON.stringify(google) },
  xiaomi: { package_name: 'com.example.shop', app_secret: 'xiaomi-secret-of-the-journey', channel_id: '100234' },
  huawei: { app_id: '100000001', client_secret: 'huawei-secret-of-the-journey' },
  harmony: { service_account: JSON.stringify(huawei) },
  honor: { app_id: '104400001', client_id: 'client-1', client_secret: 'honor-secret-of-the-journey' },
  oppo: { app_key: 'oppo-journey-key', master_secret: 'oppo-secret-of-the-journey' },
  vivo: { app_id: '10001', app_key: 'vivo-journey-key', app_secret: 'vivo-secret-of-the-journey' },
  meizu: { app_id: '10002', app_secret: 'meizu-secret-of-the-journey' },
  umeng: { appkey: 'umeng-journey-key', app_master_secret: 'umeng-secret-of-the-journey', receipts: 'no' },
  getui: { app_id: 'getuiJourneyApp', app_key: 'getuiJourneyKey', master_secret: 'getui-secret-of-the-journey' },
  jpush: { app_key: 'jpush-journey-key', master_secret: 'jpush-secret-of-the-journey', receipts: 'no' },
};

/** What the vendor's own console would know. */
export function account(vendor) {
  const credential = CREDENTIALS[vendor];
  if (vendor === 'apns') {
    const { p8: key, ...rest } = credential;
    return { vendor, ...rest, key, environment: 'production' };
  }
  if (vendor === 'xiaomi') {
    const { channel_id: id, ...rest } = credential;
    return { vendor, ...rest, channels: [{ id }] };
  }
  const empty = Object.fromEntries(['channel_id', 'badge_class', 'callback_user', 'callback_key', 'callback_id', 'receipt_token', 'channel_activity'].map((f) => [f, '']));
  return { vendor, credential: { ...empty, ...credential }, device_daily: 0 };
}

/** The token of phone number `i`. */
export function token(vendor, i) {
  const hex = (n) => i.toString(16).padStart(n, '0');
  switch (vendor) {
    case 'apns': return `a1${hex(62)}`;
    case 'fcm': return `fcm-${i}:APA91b${hex(32)}`;
    case 'oppo': return `OPPO_CN_${hex(32)}`;
    case 'vivo': return `165000000000${String(i).padStart(11, '0')}`;
    case 'meizu': return `S5Qmeizu${String(i).padStart(9, '0')}`;
    case 'umeng': return `AbCdEfGhIjKl${hex(32)}`;
    case 'getui': return `7e${hex(30)}`;
    case 'jpush': return `1a0018970aa${hex(32)}`;
    default: return `${vendor}-token-${String(i).padStart(9, '0')}`;
  }
}
