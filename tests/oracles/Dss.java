// The European reference implementation (DSS) as an oracle: a question a line on standard input, an answer a line on standard output. Run by
// dss.rs. Octets are hexadecimal, "-" is none, times are milliseconds since 1970. Nothing is fetched: DSS has what the questions hold.
//
// validate <file> <detached content> <trust anchor> <time>
//     The signatures, then the time-stamps over containers, separated by "|":
//     "<level> <indication> <sub-indication or -> <intact or broken> <digests that match>/<digests>", a counter-signature with "counter:" before,
//     then for each of its time-stamps " <type>:<indication>:<intact or broken>", and after " #" what it says of errors and warnings.
// sign <level> <PKCS#12 of the signer> <PKCS#12 of the time-stamp authority> <password> <content> <trust anchor> <packaging> <OCSP responses>
//     <other authorities> <time>
//     Packaging is a SignaturePackaging, or ASIC_E for a container with XAdES. The file, signed at that time, stamped a minute after and archived three minutes after. Responses and authorities are separated by commas.

import eu.europa.esig.dss.asic.xades.ASiCWithXAdESSignatureParameters;
import eu.europa.esig.dss.asic.xades.signature.ASiCWithXAdESService;
import eu.europa.esig.dss.cades.CAdESSignatureParameters;
import eu.europa.esig.dss.cades.signature.CAdESService;
import eu.europa.esig.dss.diagnostic.DiagnosticData;
import eu.europa.esig.dss.diagnostic.SignatureWrapper;
import eu.europa.esig.dss.diagnostic.TimestampWrapper;
import eu.europa.esig.dss.diagnostic.jaxb.XmlDigestMatcher;
import eu.europa.esig.dss.enumerations.ASiCContainerType;
import eu.europa.esig.dss.enumerations.DigestAlgorithm;
import eu.europa.esig.dss.enumerations.Indication;
import eu.europa.esig.dss.enumerations.SignatureLevel;
import eu.europa.esig.dss.enumerations.SignaturePackaging;
import eu.europa.esig.dss.jaxb.object.Message;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.InMemoryDocument;
import eu.europa.esig.dss.model.SignatureValue;
import eu.europa.esig.dss.model.ToBeSigned;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.signature.AbstractSignatureParameters;
import eu.europa.esig.dss.signature.AbstractSignatureService;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonCertificateSource;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.ocsp.ExternalResourcesOCSPSource;
import eu.europa.esig.dss.spi.x509.revocation.RevocationToken;
import eu.europa.esig.dss.spi.x509.revocation.ocsp.OCSPSource;
import eu.europa.esig.dss.spi.x509.revocation.ocsp.OCSPToken;
import eu.europa.esig.dss.spi.x509.tsp.KeyEntityTSPSource;
import eu.europa.esig.dss.token.DSSPrivateKeyEntry;
import eu.europa.esig.dss.token.Pkcs12SignatureToken;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.reports.Reports;
import eu.europa.esig.dss.xades.XAdESSignatureParameters;
import eu.europa.esig.dss.xades.signature.XAdESService;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;

public class Dss {
    private static final HexFormat HEX = HexFormat.of();

    public static void main(String[] arguments) throws Exception {
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in));
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            String answer;
            try {
                String[] words = line.split(" ");
                answer = words[0].equals("sign") ? sign(words) : validate(words);
            } catch (Exception refusal) {
                answer = "refused: " + oneLine(String.valueOf(refusal));
            }
            System.out.println(answer);
        }
    }

    private static String validate(String[] words) {
        SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(document(words[1]));
        validator.setCertificateVerifier(trusting(words[3]));
        validator.setValidationTime(new Date(Long.parseLong(words[4])));
        if (!words[2].equals("-")) {
            validator.setDetachedContents(List.of(document(words[2])));
        }
        Reports reports = validator.validateDocument();
        DiagnosticData found = reports.getDiagnosticData();
        SimpleReport verdicts = reports.getSimpleReport();
        List<String> told = new ArrayList<>();
        for (SignatureWrapper signature : found.getSignatures()) {
            told.add(signature(signature, verdicts));
        }
        for (TimestampWrapper stamp : found.getTimestampList()) {
            if (stamp.getType().isContainerTimestamp()) {
                told.add(stamp(stamp, verdicts).trim());
            }
        }
        return String.join("|", told);
    }

    private static String signature(SignatureWrapper signature, SimpleReport verdicts) {
        String id = signature.getId();
        StringBuilder told = new StringBuilder(signature.isCounterSignature() ? "counter:" : "");
        told.append(signature.getSignatureFormat().toString()).append(' ');
        told.append(verdicts.getIndication(id)).append(' ');
        told.append(verdicts.getSubIndication(id) == null ? "-" : verdicts.getSubIndication(id).toString()).append(' ');
        long matched = signature.getDigestMatchers().stream().filter(XmlDigestMatcher::isDataIntact).count();
        int digests = signature.getDigestMatchers().size();
        // The value and every reference, those of a manifest too.
        boolean intact = signature.isSignatureIntact() && signature.isSignatureValid() && matched == digests;
        told.append(intact ? "intact " : "broken ").append(matched).append('/').append(digests);
        for (TimestampWrapper stamp : signature.getTimestampList()) {
            told.append(stamp(stamp, verdicts));
        }
        List<Message> words = new ArrayList<>(verdicts.getAdESValidationErrors(id));
        words.addAll(verdicts.getAdESValidationWarnings(id));
        told.append(" #");
        for (Message message : words) {
            told.append(' ').append(oneLine(message.getValue()));
        }
        return told.toString();
    }

    private static String stamp(TimestampWrapper stamp, SimpleReport verdicts) {
        Indication indication = verdicts.getIndication(stamp.getId());
        boolean intact = stamp.isMessageImprintDataIntact() && stamp.isSignatureIntact() && stamp.isSignatureValid();
        return " " + stamp.getType() + ":" + indication + ":" + (intact ? "intact" : "broken");
    }

    private static String sign(String[] words) throws Exception {
        KeyStore.PasswordProtection password = new KeyStore.PasswordProtection(words[4].toCharArray());
        CommonCertificateVerifier verifier = trusting(words[6]);
        CommonCertificateSource authorities = new CommonCertificateSource();
        for (String authority : words[9].split(",")) {
            authorities.addCertificate(certificate(authority));
        }
        verifier.setAdjunctCertSources(authorities);
        verifier.setOcspSource(new Answers(words[8].split(",")));
        long time = Long.parseLong(words[10]);
        KeyEntityTSPSource authority =
            new KeyEntityTSPSource(HEX.parseHex(words[3]), "PKCS12", password.getPassword(), "signer", password.getPassword());
        authority.setTsaPolicy("1.3.6.1.4.1.32473.3161");
        authority.setProductionTime(new Date(time + 60_000));
        SignatureLevel level = SignatureLevel.valueOf(words[1]);
        DSSDocument content = document(words[5]);
        if (words[1].startsWith("CAdES")) {
            CAdESSignatureParameters parameters = new CAdESSignatureParameters();
            parameters.setSignaturePackaging(SignaturePackaging.valueOf(words[7]));
            return sign(new CAdESService(verifier), parameters, level, SignatureLevel.CAdES_BASELINE_LT, authority, content, words);
        }
        if (words[7].equals("ASIC_E")) {
            ASiCWithXAdESSignatureParameters parameters = new ASiCWithXAdESSignatureParameters();
            parameters.aSiC().setContainerType(ASiCContainerType.ASiC_E);
            content.setName("letter \u0457.txt");
            return sign(
                new ASiCWithXAdESService(verifier), parameters, level, SignatureLevel.XAdES_BASELINE_LT, authority, content, words);
        }
        XAdESSignatureParameters parameters = new XAdESSignatureParameters();
        parameters.setSignaturePackaging(SignaturePackaging.valueOf(words[7]));
        return sign(new XAdESService(verifier), parameters, level, SignatureLevel.XAdES_BASELINE_LT, authority, content, words);
    }

    private static <P extends AbstractSignatureParameters<?>> String sign(
        AbstractSignatureService<P, ?> service, P parameters, SignatureLevel level, SignatureLevel before, KeyEntityTSPSource authority,
        DSSDocument content, String[] words) throws Exception {
        KeyStore.PasswordProtection password = new KeyStore.PasswordProtection(words[4].toCharArray());
        long time = Long.parseLong(words[10]);
        service.setTspSource(authority);
        boolean archived = level.toString().endsWith("-LTA");
        try (Pkcs12SignatureToken token = new Pkcs12SignatureToken(HEX.parseHex(words[2]), password)) {
            DSSPrivateKeyEntry key = token.getKeys().get(0);
            parameters.setSignatureLevel(archived ? before : level);
            parameters.setDigestAlgorithm(DigestAlgorithm.SHA256);
            parameters.setSigningCertificate(key.getCertificate());
            parameters.setCertificateChain(key.getCertificateChain());
            parameters.bLevel().setSigningDate(new Date(time));
            ToBeSigned data = service.getDataToSign(content, parameters);
            SignatureValue value = token.sign(data, parameters.getDigestAlgorithm(), key);
            DSSDocument signed = service.signDocument(content, parameters, value);
            if (archived) {
                authority.setProductionTime(new Date(time + 180_000));
                parameters.setSignatureLevel(level);
                parameters.setDetachedContents(List.of(content));
                signed = service.extendDocument(signed, parameters);
            }
            ByteArrayOutputStream file = new ByteArrayOutputStream();
            signed.writeTo(file);
            return HEX.formatHex(file.toByteArray());
        }
    }

    // Answers that were fetched before; the latest about a certificate counts.
    private static class Answers implements OCSPSource {
        private final ExternalResourcesOCSPSource source;

        Answers(String[] responses) {
            source = new ExternalResourcesOCSPSource(
                Arrays.stream(responses).map(Dss::document).toArray(DSSDocument[]::new));
        }

        @Override
        public OCSPToken getRevocationToken(CertificateToken certificate, CertificateToken issuer) {
            OCSPToken latest = null;
            for (RevocationToken<?> found : source.getRevocationTokens(certificate, issuer)) {
                if (latest == null || found.getThisUpdate().after(latest.getThisUpdate())) {
                    latest = (OCSPToken) found;
                }
            }
            return latest;
        }
    }

    private static CommonCertificateVerifier trusting(String anchor) {
        CommonTrustedCertificateSource anchors = new CommonTrustedCertificateSource();
        anchors.addCertificate(certificate(anchor));
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        verifier.setTrustedCertSources(anchors);
        verifier.setAIASource(null);
        return verifier;
    }

    private static CertificateToken certificate(String der) {
        return DSSUtils.loadCertificate(new ByteArrayInputStream(HEX.parseHex(der)));
    }

    private static DSSDocument document(String octets) {
        return new InMemoryDocument(HEX.parseHex(octets));
    }

    private static String oneLine(String text) {
        return text.replaceAll("[\\s|]+", " ");
    }
}
