package templates

import (
	"net/url"
	"strconv"
)

// Addresses of purges and certificates.
const (
	PurgesPath       = "/purges"
	PurgeNewPath     = "/purges/new"
	CertificatesPath = "/certificates"
)

// PurgePath is the page of one purge request.
func PurgePath(purge uint64) string { return PurgesPath + "/" + strconv.FormatUint(purge, 10) }

// PurgeStatePath is its state block alone.
func PurgeStatePath(purge uint64) string { return PurgePath(purge) + "/state" }

// PurgeVotePath is where an approver's vote is sent.
func PurgeVotePath(purge uint64) string { return PurgePath(purge) + "/vote" }

// PurgeWithdrawPath is where a withdrawal is sent.
func PurgeWithdrawPath(purge uint64) string { return PurgePath(purge) + "/withdraw" }

// PurgeExecutePath is the page on which legal confirms a purge of the whole organisation.
func PurgeExecutePath(purge uint64) string { return PurgePath(purge) + "/execute" }

// PurgeManifestPath is the frozen list as a file.
func PurgeManifestPath(purge uint64) string { return PurgePath(purge) + "/manifest.csv" }

// PurgeRequestPath is the page that requests a purge of batches.
func PurgeRequestPath(batches ...uint64) string {
	q := url.Values{}
	for _, b := range batches {
		q.Add("batch", strconv.FormatUint(b, 10))
	}
	return PurgeNewPath + "?" + q.Encode()
}

// PurgeDraftPath is the page that requests what the system drafted.
func PurgeDraftPath(purge uint64) string {
	return PurgeNewPath + "?" + url.Values{"draft": {strconv.FormatUint(purge, 10)}}.Encode()
}

// PurgeListPath is the list of purge requests. Empty values are left out.
func PurgeListPath(of PurgeQuery, before uint64) string {
	q := url.Values{}
	for name, value := range map[string]string{"state": of.State, "incident": of.Incident} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, on := range map[string]bool{"mine": of.Mine, "emergency": of.Emergency} {
		if on {
			q.Set(name, "1")
		}
	}
	if before != 0 {
		q.Set("before", strconv.FormatUint(before, 10))
	}
	if len(q) == 0 {
		return PurgesPath
	}
	return PurgesPath + "?" + q.Encode()
}

// CertificatePath is a certificate on paper.
func CertificatePath(certificate uint64) string {
	return CertificatesPath + "/" + strconv.FormatUint(certificate, 10)
}

// CertificateFilePath is its evidence file.
func CertificateFilePath(certificate uint64) string { return CertificatePath(certificate) + ".json" }

// CertificatePDFPath is the certificate as PDF, in the reader's language.
func CertificatePDFPath(certificate uint64) string { return CertificatePath(certificate) + ".pdf" }
