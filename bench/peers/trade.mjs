// What both peers do between the request and the database: the same decisions as JKLG, on the same SQL, written for speed.
// The statements are handed over by the benchmark, which takes them out of JKLG itself, so that they cannot drift apart.
import { createHash, createHmac, createSecretKey, randomFillSync, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';

export const MAX_BODY = 1024 * 1024;

const FIELDS = new Set(['departure_id', 'party', 'customer_name', 'customer_email', 'customer_phone', 'special_requests']);
const REFERENCE_ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const EMAIL = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/;
const PHONE = /^\+?[0-9][0-9 ()./-]{4,28}[0-9]$/;

const SENTENCES = {
  departure_not_found: [404, 'We cannot find this departure.'],
  departure_closed: [409, 'This departure can no longer be booked.'],
  sold_out: [409, 'Not enough seats are left on this departure.'],
  extra_sold_out: [409, 'One of the extras has just sold out.'],
  price_changed: [409, 'The price has changed since you saw it. Please look at the new one first.'],
  quote_expired: [409, 'This price was offered for a limited time, which is over. Please ask for a new quote.'],
};

export class Refusal extends Error {
  constructor(status, code, sentence) {
    super(sentence);
    this.status = status;
    this.code = code;
  }
}

function refuse(code) {
  const [status, sentence] = SENTENCES[code];
  return new Refusal(status, code, sentence);
}

export function openTrade(pg) {
  const statements = JSON.parse(readFileSync(process.env.BENCH_STATEMENTS, 'utf8'));
  const secret = createSecretKey(Buffer.from(process.env.JWT_SECRET));
  const webhookSecret = createSecretKey(Buffer.from(process.env.STRIPE_WEBHOOK_SECRET));
  const publicUrl = `http://localhost:${process.env.PORT}`;
  const holdSeconds = 900;
  const size = Number(process.env.BENCH_POOL);
  pg.types.setTypeParser(pg.types.builtins.DATE, String);
  pg.types.setTypeParser(pg.types.builtins.INT8, Number);
  const pool = new pg.Pool({
    connectionString: process.env.DATABASE_URL,
    min: size,
    max: size,
    idleTimeoutMillis: 0,
    options: '-c role=jklg_app -c timezone=UTC -c statement_timeout=15000 -c lock_timeout=5000',
  });

  async function hold(request) {
    const conn = await pool.connect();
    try {
      const found = await conn.query({ name: 'offer', text: statements.offer, values: [request.departure_id] });
      const offer = found.rows[0];
      if (offer === undefined) throw refuse('departure_not_found');
      if (!offer.bookable) throw refuse('departure_closed');
      const priced = price(offer, request.party);
      const booking = {
        id: uuid7(),
        reference: null,
        departure_id: offer.id,
        price_version: offer.price_version,
        quote_id: null,
        party: priced.party,
        seats: priced.seats,
        currency: offer.currency,
        total_price: priced.total,
        lines: priced.lines,
        extras: [],
        travellers: [],
        name: request.customer_name,
        email: request.customer_email,
        phone: request.customer_phone,
        special_requests: request.special_requests,
        locale: 'en',
        terms_version: null,
        source: 'Website',
        hold_seconds: holdSeconds,
        actor: 'guest',
      };
      const held = await takeSeats(conn, booking);
      return answer(offer, booking, held);
    } finally {
      conn.release();
    }
  }

  async function takeSeats(conn, booking) {
    for (let attempt = 0; attempt < 5; attempt++) {
      booking.reference = newReference();
      try {
        const held = await conn.query({ name: 'hold', text: statements.hold, values: [JSON.stringify(booking)] });
        if (held.rows[0].refusal !== null) throw refuse(held.rows[0].refusal);
        return held.rows[0];
      } catch (error) {
        if (error.constraint === 'bookings_reference_once') continue;
        if (error.constraint === 'departures_never_oversold') throw refuse('sold_out');
        if (error.constraint === 'extras_never_oversold') throw refuse('extra_sold_out');
        throw error;
      }
    }
    throw new Refusal(409, 'try_again', 'We could not take the seats just now. Please try again.');
  }

  function answer(offer, booking, held) {
    const token = manageToken(booking.id);
    const party = booking.party;
    return {
      success: true,
      booking: {
        id: booking.id,
        reference: booking.reference,
        status: 'held',
        payment_status: 'Pending',
        departure_id: offer.id,
        package_id: offer.package_id,
        package: offer.package_name,
        travel_date: offer.starts_on,
        return_date: offer.ends_on,
        party,
        cancelled_party: {},
        num_adults: party.adult ?? 0,
        num_children: (party.child ?? 0) + (party.infant ?? 0),
        seats: booking.seats,
        total_price: booking.total_price,
        price: booking.total_price,
        amount_due: booking.total_price,
        currency: booking.currency,
        customer_name: booking.name,
        customer_email: booking.email,
        customer_phone: booking.phone,
        special_requests: booking.special_requests,
        hold_expires_at: held.hold_expires_at.toISOString(),
        created_at: held.created_at.toISOString(),
        lines: null,
      },
      manage_token: token,
      manage_url: `${publicUrl}/manage/${booking.reference}/${token}`,
      message: 'Your seats are held while you pay.',
    };
  }

  function manageToken(id) {
    return createHmac('sha256', secret).update(`booking\0${id}`).digest().subarray(0, 24).toString('base64url');
  }

  // Verify over the raw bytes, store once, and only then answer.
  async function file(headers, body) {
    verify(headers['stripe-signature'], body);
    const event = JSON.parse(body);
    const object = event.data?.object;
    if (typeof event.id !== 'string' || typeof event.type !== 'string' || typeof object !== 'object') {
      throw new Refusal(400, 'bad_signature', 'The signature does not match.');
    }
    const ref = event.type.startsWith('payment_intent.') ? object.id : (object.payment_intent ?? null);
    const transaction = object.metadata?.transaction_id ?? null;
    const livemode = event.livemode === true;
    let state = 'pending', reason = null;
    if (livemode) [state, reason] = ['ignored', 'other_mode'];
    else if (ref === null && transaction === null) [state, reason] = ['ignored', 'not_about_a_payment'];
    const { authorization, ...kept } = headers;
    await pool.query({
      name: 'inbox',
      text: statements.inbox,
      values: ['stripe', event.id, event.type, livemode, ref, transaction, body, createHash('sha256').update(body).digest(), JSON.stringify(kept), state, reason, 'webhook'],
    });
    return { received: true };
  }

  function verify(header, body) {
    let time = null;
    const given = [];
    for (const part of (header ?? '').split(',')) {
      if (part.startsWith('t=')) time = part.slice(2);
      else if (part.startsWith('v1=')) given.push(part.slice(3));
    }
    if (time === null || Math.abs(Date.now() / 1000 - Number(time)) > 300) throw new Refusal(400, 'bad_signature', 'The signature does not match.');
    const expected = createHmac('sha256', webhookSecret).update(`${time}.`).update(body).digest('hex');
    const right = Buffer.from(expected);
    for (const one of given) {
      const left = Buffer.from(one);
      if (left.length === right.length && timingSafeEqual(left, right)) return;
    }
    throw new Refusal(400, 'bad_signature', 'The signature does not match.');
  }

  return { hold, file, pool, statements, ready: () => pool.query('SELECT 1') };
}

// Hand-written checks: faster than any schema library, for the peer without compiled schemas.
export function readBooking(body) {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new Refusal(400, 'malformed', 'The body must be a JSON object.');
  for (const field in body) if (!FIELDS.has(field)) throw new Refusal(422, 'unknown_field', `${field} is not a field of this request.`);
  if (typeof body.departure_id !== 'string' || !UUID.test(body.departure_id)) throw new Refusal(422, 'invalid', 'departure_id must be a UUID.');
  const party = body.party;
  if (typeof party !== 'object' || party === null || Array.isArray(party)) throw new Refusal(422, 'invalid', 'party must be an object.');
  for (const category in party) if (!Number.isInteger(party[category])) throw new Refusal(422, 'invalid', 'party must hold whole numbers.');
  for (const field of ['customer_name', 'customer_email', 'customer_phone']) {
    if (typeof body[field] !== 'string') throw new Refusal(422, 'invalid', `${field} must be text.`);
  }
  return checkContact(body);
}

export function checkContact(body) {
  const name = body.customer_name.trim().replace(/\s+/g, ' ');
  if (name.length < 1 || name.length > 200) throw new Refusal(422, 'name_invalid', 'Please give the name of the person we may contact.');
  const email = body.customer_email.trim();
  if (email.length > 254 || !EMAIL.test(email)) throw new Refusal(422, 'email_invalid', 'This does not look like an e-mail address.');
  const phone = body.customer_phone.trim().replace(/\s+/g, ' ');
  if (!PHONE.test(phone)) throw new Refusal(422, 'phone_invalid', 'Please give a phone number with its country code, such as +91 98765 43210.');
  const requests = (body.special_requests ?? '').trim();
  if (requests.length > 2000) throw new Refusal(422, 'requests_invalid', 'Special requests may have up to 2,000 characters.');
  return {
    departure_id: body.departure_id,
    party: body.party,
    customer_name: name,
    customer_email: email,
    customer_phone: phone,
    special_requests: requests,
  };
}

const PEOPLE = { adult: 'Adult', child: 'Child', infant: 'Infant' };
const MONTHS = 'January February March April May June July August September October November December'.split(' ');

// The party, the total and its derivation. The offer's prices are [category, amount, min_age, max_age, takes_seat].
export function price(offer, wanted) {
  const party = {};
  let people = 0;
  for (const category in wanted) {
    if (PEOPLE[category] === undefined) throw new Refusal(422, 'party_invalid', 'A party is made of adults, children and infants.');
    if (!Number.isInteger(wanted[category]) || wanted[category] < 0) throw new Refusal(422, 'party_invalid', 'The number of people must be a whole number, 0 or more.');
  }
  for (const category in PEOPLE) {
    if (wanted[category]) {
      party[category] = wanted[category];
      people += wanted[category];
    }
  }
  if (people === 0) throw new Refusal(422, 'party_invalid', 'Please say how many people travel.');
  if (people > 30) throw new Refusal(422, 'party_too_large', 'Online we book up to 30 people at once. Please write to us for more.');
  if (party.adult === undefined) throw new Refusal(422, 'party_needs_adult', 'Children and infants travel with at least one adult.');
  if ((party.infant ?? 0) > party.adult) throw new Refusal(422, 'too_many_infants', 'Each infant travels on the lap of an adult: one per adult.');
  const lines = [];
  let total = 0, seats = 0, supplement = null;
  const prices = {};
  for (const one of offer.prices ?? []) {
    if (one[0] === 'single_supplement') supplement = one;
    else prices[one[0]] = one;
  }
  const on = day(offer.starts_on);
  for (const category in party) {
    const one = prices[category];
    if (one === undefined) throw new Refusal(422, 'category_not_offered', 'This departure is not offered for them.');
    const quantity = party[category], unit = one[1], amount = quantity * unit;
    total += amount;
    if (one[4]) seats += quantity;
    lines.push({
      label: PEOPLE[category],
      quantity,
      unit_amount: unit,
      amount,
      rule: `${category}: ${quantity} × ${money(unit, offer.currency)} each, ${ages(one[2], one[3])} on ${on}${one[4] ? '' : ', without a seat'}`,
    });
  }
  if (supplement !== null && party.adult === 1 && party.child === undefined) {
    total += supplement[1];
    lines.push({
      label: 'Single supplement',
      quantity: 1,
      unit_amount: supplement[1],
      amount: supplement[1],
      rule: `single supplement: ${money(supplement[1], offer.currency)} once, because one adult has a room alone`,
    });
  }
  return { party, total, seats, lines };
}

function ages(from, to) {
  if (to >= 120) return from ? `age ${from} and over` : 'any age';
  if (from === 0) return `under ${to + 1}`;
  return from === to ? `age ${from}` : `age ${from} to ${to}`;
}

function day(iso) {
  return `${Number(iso.slice(8))} ${MONTHS[Number(iso.slice(5, 7)) - 1]} ${iso.slice(0, 4)}`;
}

// '24,999.00 INR', by hand: Intl is twenty times slower. The benchmark sells in a currency with two decimals.
function money(minor, currency) {
  const whole = String(Math.trunc(minor / 100)).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${whole}.${String(minor % 100).padStart(2, '0')} ${currency}`;
}

// Random bytes are drawn from the system in large portions: one call to the kernel for a few hundred bookings.
const portion = Buffer.alloc(8192);
let used = portion.length;
function dice(count) {
  if (used + count > portion.length) {
    randomFillSync(portion);
    used = 0;
  }
  used += count;
  return portion.subarray(used - count, used);
}

function newReference() {
  let reference = '';
  for (const byte of dice(6)) reference += REFERENCE_ALPHABET[byte & 31];
  return reference;
}

function uuid7() {
  const time = Date.now().toString(16).padStart(12, '0');
  const random = dice(10);
  random[0] = 0x70 | (random[0] & 0x0f);
  random[2] = 0x80 | (random[2] & 0x3f);
  const hex = random.toString('hex');
  return `${time.slice(0, 8)}-${time.slice(8)}-${hex.slice(0, 4)}-${hex.slice(4, 8)}-${hex.slice(8)}`;
}
