/** The staff console of Milia Triage. */
import './style.css'
import './shell'
