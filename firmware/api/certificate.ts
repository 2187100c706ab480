/** The certificate that the box shows to browsers. Its key is written and never read. */
import { type Static, Type } from 'typebox';
import { whoAsks } from './authentication.js';
import { checkIdentity } from './certificate-text.js';
import type { Api, ApiContext } from './context.js';
import { ApiProblem, notFound, refusal } from './problem.js';
import { checkedBody } from './request-body.js';

const CertificateSchema = Type.Object({
  subject: Type.String(),
  issuer: Type.String(),
  notBefore: Type.String(),
  notAfter: Type.String(),
  fingerprint256: Type.String(),
  names: Type.Array(Type.String(), { description: 'DNS names and IP addresses that it is for' }),
  selfSigned: Type.Boolean(),
});
export type Certificate = Static<typeof CertificateSchema>;

const pem = (description: string, extra = {}) =>
  Type.String({ minLength: 1, maxLength: 65_536, description, ...extra });
const NewCertificateSchema = Type.Object(
  {
    certificate: pem('PEM; behind it those of its issuers may follow'),
    key: pem('PEM, its private key without a passphrase', { writeOnly: true }),
  },
  { additionalProperties: false },
);

export function certificateResource(app: Api, { certificate, reach }: ApiContext): void {
  const shown = () => {
    if (certificate.info === undefined) throw notFound('certificate; see problems in /api/v1/status');
    return certificate.info;
  };

  app.get(
    '/api/v1/certificate',
    { schema: { summary: 'The web certificate', tags: ['access'], response: { 200: CertificateSchema } } },
    shown,
  );

  app.put(
    '/api/v1/certificate',
    {
      config: { body: NewCertificateSchema },
      schema: { summary: 'Set another web certificate', tags: ['access'], response: { 200: CertificateSchema } },
    },
    async (request) => {
      const checked = checkIdentity(checkedBody(NewCertificateSchema, request.body), Date.now());
      if (!checked.ok) throw refusal(checked.problems);
      certificate.set(checked.identity, whoAsks(request));
      await reach.follow();
      return shown();
    },
  );

  app.delete(
    '/api/v1/certificate',
    {
      schema: {
        ...{ summary: 'Make a new self-signed web certificate', tags: ['access'] },
        response: { 200: CertificateSchema },
      },
    },
    async (request) => {
      const [problem] = await certificate.renew(reach.addresses, whoAsks(request));
      if (problem) throw new ApiProblem({ title: problem.what, status: 503, detail: problem.advice });
      await reach.follow();
      return shown();
    },
  );
}
