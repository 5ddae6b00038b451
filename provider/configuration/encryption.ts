import type { Configuration } from 'oidc-provider';

/**
 * What is encrypted to clients and by them. Not here: RSA1_5, which its padding oracle broke; `dir` and
 * the symmetric wraps, whose keys would be client secrets; PBES2, whose sender says how long we compute.
 */
export const keyManagementAlgorithms = ['RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A256KW'] as const;
export const contentEncryptionAlgorithms = ['A256GCM', 'A128CBC-HS256'] as const;

/** The slice of `enabledJWA` about JWE (RFC 7518 §4 and §5), the same wherever something is encrypted. */
export const encryptionAlgorithms = {
  ...forAlgorithms(keyManagementAlgorithms),
  ...forContent(contentEncryptionAlgorithms),
} satisfies Configuration['enabledJWA'];

function forAlgorithms<Values>(values: Values) {
  return {
    authorizationEncryptionAlgValues: values,
    idTokenEncryptionAlgValues: values,
    introspectionEncryptionAlgValues: values,
    requestObjectEncryptionAlgValues: values,
    userinfoEncryptionAlgValues: values,
  };
}

function forContent<Values>(values: Values) {
  return {
    authorizationEncryptionEncValues: values,
    idTokenEncryptionEncValues: values,
    introspectionEncryptionEncValues: values,
    requestObjectEncryptionEncValues: values,
    userinfoEncryptionEncValues: values,
  };
}
