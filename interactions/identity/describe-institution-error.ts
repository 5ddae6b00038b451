import type { InstitutionError } from '../../core/institution.js';

/** What a person is told when their bank could not do its part. */
export function describeInstitutionError(error: InstitutionError): {
  title: string;
  sentence: string;
} {
  switch (error.code) {
    case 'unavailable':
    case 'rate_limited':
      return {
        title: 'Your bank is not answering',
        sentence: 'We could not reach your bank just now. Nothing was shared. You can try again.',
      };
    case 'invalid_callback':
      return {
        title: 'This visit to your bank is over',
        sentence:
          'It was already used, or belongs to another attempt. Nothing more was shared. You can start again.',
      };
    default:
      return {
        title: 'Something went wrong at your bank',
        sentence:
          'Your bank gave an answer that we cannot use. Nothing was shared. You can try again.',
      };
  }
}
