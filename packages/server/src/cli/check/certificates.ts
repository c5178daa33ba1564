import { type Clock, systemClock } from '@watchpost/base/clock.ts';
import { toWatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { Config } from '../../config/types.ts';
import { certificatesOf } from '../../http-certificate.ts';
import { Certificate, type CertificateFiles, isExpiring } from '../../net/certificate.ts';
import type { Finding } from './finding.ts';

/** Each certificate of the configuration: whether it can be read, belongs to its key, and how long it is valid. */
export async function checkCertificates(config: Config, clock: Clock = systemClock): Promise<Finding[]> {
  return Promise.all([...certificatesOf(config)].map(([key, files]) => checkCertificate(key, { files, clock })));
}

async function checkCertificate(
  key: string,
  { files, clock }: { files: CertificateFiles; clock: Clock },
): Promise<Finding> {
  const what = 'certificate';
  try {
    using certificate = await Certificate.open(() => files, { clock, logger: silentLogger });
    const { daysLeft } = certificate;
    const cure = 'renew it; the server reads the new files by itself';
    if (daysLeft < 0) return { status: 'bad', what, text: `${key}: ${files.certFile} has expired`, cure };
    const text = `${key}: ${files.certFile} is valid for ${daysLeft} more days`;
    return isExpiring(daysLeft) ? { status: 'odd', what, text, cure } : { status: 'fine', what, text };
  } catch (thrown) {
    const [text = '', cure = ''] = toWatchpostError(thrown).message.split('; ');
    return { status: 'bad', what, text: `${key}: ${text}`, cure };
  }
}
